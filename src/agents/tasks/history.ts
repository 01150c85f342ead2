import { LIMITS } from "../../../generated/limits.ts";
import type { TasksHistoryParams, TasksHistoryResult } from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { messagesBefore } from "../../sessions/history.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { TaskRecord } from "./task-repository.ts";

/**
 * `tasks.history`: what was said where a task ran, the newest page first, then those before it. Empty when that session is
 * gone, or another one has its place (measured on 2026.9.6).
 * @throws GatewayError for a cursor that is none
 */
export async function taskHistory(
  sessions: Sessions,
  { sessionKey, outcome }: TaskRecord,
  { limit = LIMITS.historyDefaultMessages, cursor }: Pick<TasksHistoryParams, "limit" | "cursor">,
): Promise<TasksHistoryResult> {
  const place = cursor === undefined ? undefined : placeOf(cursor);
  const session = await sessions.repository.find(sessionKey);
  const ran = outcome?.receipt?.sessionId;
  if (!session || (ran !== undefined && ran !== session.entry.sessionId)) return { messages: [] };
  const { sessionId } = session.entry;
  if (place !== undefined && place.sessionId !== sessionId) throw lostCursor();
  const { messages, next } = await messagesBefore(sessions, session, limit, place?.before);
  return { messages, ...(next === undefined ? {} : { nextCursor: cursorOf({ sessionId, before: next }) }) };
}

interface Place {
  sessionId: string;
  /** Position of the oldest message that the client has. */
  before: number;
}

const cursorOf = ({ sessionId, before }: Place): string =>
  Buffer.from(JSON.stringify([sessionId, before])).toString("base64url");

function placeOf(cursor: string): Place {
  try {
    const [sessionId, before] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown[];
    if (typeof sessionId === "string" && Number.isSafeInteger(before) && Number(before) > 0) {
      return { sessionId, before: Number(before) };
    }
  } catch {
    // Not one that this gateway has written.
  }
  throw lostCursor();
}

const lostCursor = () => invalidRequest("Invalid task history cursor. Refresh the task.");
