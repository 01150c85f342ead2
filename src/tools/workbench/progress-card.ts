import type { ProgressCard } from "../../../generated/types.ts";
import type { ProgressCards } from "../../sessions/progress-cards.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, ToolError, type ToolResult } from "../types.ts";

type Step = NonNullable<ProgressCard["steps"]>[number];

const STEP = object(
  { step: { type: "string", minLength: 1 }, status: { type: "string", enum: ["pending", "in_progress", "completed"] } },
  ["step", "status"],
);

/** `progress_card`: the one card that says how far this session's work is (docs: tools/progress-card). */
export function progressCardTool(cards: ProgressCards): Tool {
  return {
    name: "progress_card",
    description:
      "Keeps the card beside this session that says how far longer work is: markdown, a plan of steps (one in_progress at most), or both. Every call replaces the whole card; one without both takes it away. For work of several steps only.",
    parameters: object({ markdown: { type: "string" }, plan: { type: "array", items: STEP, maxItems: 50 } }),
    async run({ markdown, plan }, { sessionKey }) {
      const steps = plan as Step[] | undefined;
      if ((steps ?? []).filter(({ status }) => status === "in_progress").length > 1) {
        throw new ToolError("plan can contain at most one in_progress step");
      }
      const params = { sessionKey, markdown: markdown as string | undefined, plan: steps };
      const { card } = await asked(cards.put(params));
      if (!card) return told("Progress card cleared", { revision: null, steps: null });
      const completed = card.steps?.filter(({ status }) => status === "completed").length ?? 0;
      const counts = card.steps ? { completed, total: card.steps.length } : null;
      const done = counts ? `, ${completed}/${counts.total} done` : "";
      return told(`Progress card updated (rev ${card.revision}${done})`, { revision: card.revision, steps: counts });
    },
  };
}

/** A sentence, and the figures as JSON. */
function told(sentence: string, figures: Record<string, unknown>): ToolResult {
  const { content, details } = jsonResult(figures);
  return { content: [{ type: "text", text: sentence }, ...content], details };
}
