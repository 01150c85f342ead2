import type { Subagents } from "../../agents/subagents/subagents.ts";
import { object } from "../domain.ts";
import { jsonResult, type Tool } from "../types.ts";

export interface YieldDeps {
  subagents: Subagents;
  /** What a session is told with its next turn. */
  notes: { add(sessionKey: string, text: string, options: { trusted: boolean }): Promise<unknown> };
}

/** `sessions_yield`: ends the turn until a subagent reports, whose result begins the next one (docs: concepts/session-tool). */
export function sessionsYieldTool({ subagents, notes }: YieldDeps): Tool {
  return {
    name: "sessions_yield",
    description:
      "Ends this turn while subagents of this session are at work; the next turn begins with what they report. message: what you are to be reminded of then. Not for subagents that collect, which agents_wait waits for.",
    parameters: object({ message: { type: "string", maxLength: 4000, description: "For your next turn alone." } }),
    async run({ message }, { sessionKey, endTurn }) {
      if (!endTurn) return jsonResult({ status: "error", error: "Yield not supported in this context" });
      const pending = (await subagents.list(sessionKey)).filter(
        ({ collects, endedAt }) => !collects && endedAt === null,
      );
      if (pending.length === 0) {
        const error = "No subagent of this session is at work. If the work is done, answer with its result.";
        return jsonResult({ status: "error", error });
      }
      if (typeof message === "string" && message.trim() !== "") {
        await notes.add(sessionKey, `Your own note for this turn: ${message.trim()}`, { trusted: false });
      }
      endTurn();
      return jsonResult({ status: "yielded", pending: pending.map(({ runId }) => runId) });
    },
  };
}
