import { LIMITS } from "../../generated/limits.ts";
import type {
  SessionUsageKeyParams,
  SessionUsageLogsResult,
  SessionUsageTimeseriesResult,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { StoredSession } from "../sessions/entry.ts";
import { clip, textOf } from "../sessions/names.ts";
import type { Sessions } from "../sessions/sessions.ts";

/** Upstream's number of messages when nobody says. */
const DEFAULT_LOGS = 200;

type Point = SessionUsageTimeseriesResult["points"][number];

/**
 * `sessions.usage.timeseries`: the answers of a session with their tokens and dollars, and the sums up to each. Many answers
 * are put together, so that there are never more points than are shown.
 * @throws GatewayError when there is no such session
 */
export async function usageTimeseries(
  sessions: Sessions,
  params: SessionUsageKeyParams,
): Promise<SessionUsageTimeseriesResult> {
  const session = await find(sessions, params);
  if (!session) throw invalidRequest(`No transcript found for session: ${params.key}`);
  const { sessionId } = session.entry;
  const answers = await sessions.transcripts.answers(sessionId, LIMITS.usageMessages);
  const perPoint = Math.ceil(answers.length / LIMITS.usagePoints) || 1;
  const points: Point[] = [];
  let cumulativeTokens = 0;
  let cumulativeCost = 0;
  for (let start = 0; start < answers.length; start += perPoint) {
    const group = answers.slice(start, start + perPoint);
    const sum = (pick: (answer: (typeof group)[number]) => number) => group.reduce((all, each) => all + pick(each), 0);
    const totalTokens = sum(({ totalTokens }) => totalTokens);
    const cost = sum((each) => each.cost);
    cumulativeTokens += totalTokens;
    cumulativeCost += cost;
    points.push({
      timestamp: group.at(-1)!.timestamp,
      input: sum(({ input }) => input),
      output: sum(({ output }) => output),
      cacheRead: sum(({ cacheRead }) => cacheRead),
      cacheWrite: sum(({ cacheWrite }) => cacheWrite),
      totalTokens,
      cost,
      cumulativeTokens,
      cumulativeCost,
    });
  }
  return { sessionId, points };
}

/** `sessions.usage.logs`: the newest messages of a session with what they cost, oldest first; none of one that is not there. */
export async function usageLogs(sessions: Sessions, params: SessionUsageKeyParams): Promise<SessionUsageLogsResult> {
  const session = await find(sessions, params);
  if (!session) return { logs: [] };
  const asked = typeof params.limit === "number" && params.limit >= 1 ? Math.floor(params.limit) : DEFAULT_LOGS;
  const limit = Math.min(asked, LIMITS.usageLogs);
  const messages = await sessions.transcripts.newest(session.entry.sessionId, limit, LIMITS.transcriptReadChars);
  const logs = messages.flatMap((message) => {
    const { timestamp, role, usage } = message;
    const content = clip(textOf(message), LIMITS.usageLogChars);
    if (content === "" && usage === undefined) return [];
    const spent = usage === undefined ? {} : { tokens: usage.totalTokens, cost: usage.cost.total };
    return [{ timestamp, role, content, ...spent }];
  });
  return { logs: logs.sort((a, b) => a.timestamp - b.timestamp) };
}

function find(sessions: Sessions, { key, agentId }: SessionUsageKeyParams): Promise<StoredSession | null> {
  const agent = typeof agentId === "string" ? agentId : undefined;
  return sessions.repository.find(sessions.canonicalKey(key, agent));
}
