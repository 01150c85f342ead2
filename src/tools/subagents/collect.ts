import type { SubagentRecord } from "../../agents/subagents/subagent-repository.ts";
import type { Subagents } from "../../agents/subagents/subagents.ts";
import { object } from "../domain.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";

/** Seconds (docs: tools/swarm). */
const DEFAULT_WAIT = 30;
const MOST_WAIT = 600;
const MOST_IDS = 1000;
const POLL_MS = 250;
const MOST_RESULT_CHARS = 8000;

/** `agents_wait`: the results of subagents that collect, as soon as one of them has ended. */
export function agentsWaitTool(subagents: Subagents): Tool {
  return {
    name: "agents_wait",
    description:
      "Waits for subagents that sessions_spawn has begun with collect=true, by their run ids. Returns as soon as one of them has ended, with the results that are there and the ids that are pending, or after timeoutSeconds.",
    parameters: object(
      {
        ids: { type: "array", items: { type: "string", minLength: 1 }, maxItems: MOST_IDS },
        timeoutSeconds: { type: "number", minimum: 0, description: `Default ${DEFAULT_WAIT}, at most ${MOST_WAIT}.` },
      },
      ["ids"],
    ),
    async run({ ids, timeoutSeconds = DEFAULT_WAIT }, { sessionKey, signal }) {
      const wanted = [...new Set((ids as string[]).map(String))];
      if (wanted.length === 0) throw new ToolError("agents_wait requires at least one non-empty run id.");
      const deadline = performance.now() + 1000 * Math.min(Number(timeoutSeconds), MOST_WAIT);
      for (;;) {
        signal.throwIfAborted();
        const own = (await subagents.list(sessionKey)).filter((each) => each.collects && wanted.includes(each.runId));
        const ended = own.filter(({ endedAt }) => endedAt !== null);
        if (ended.length > 0 || own.length === 0 || performance.now() >= deadline) {
          const known = new Set(own.map(({ runId }) => runId));
          const errors = wanted.filter((id) => !known.has(id)).map((runId) => ({ runId, error: "not_found" }));
          const pending = own.filter(({ endedAt }) => endedAt === null).map(({ runId }) => runId);
          return jsonResult({ completed: ended.map(shown), pending, errors, success: errors.length === 0 });
        }
        await Bun.sleep(POLL_MS);
      }
    },
  };
}

const shown = ({ runId, childKey, label, status, result }: SubagentRecord) => ({
  runId,
  sessionKey: childKey,
  ...(label === null ? {} : { label }),
  status,
  result: result?.slice(0, MOST_RESULT_CHARS) ?? null,
});
