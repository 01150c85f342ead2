import { invalidRequest } from "../platform/errors.ts";
import type { Sessions } from "./sessions.ts";

/** The canonical key of the session whose messages a connection wants, whether it exists yet or not. */
export function subscriptionKey(sessions: Sessions, { key, agentId }: { key: string; agentId?: string }): string {
  if (key.trim() === "") throw invalidRequest("key required");
  return sessions.canonicalKey(key, agentId);
}
