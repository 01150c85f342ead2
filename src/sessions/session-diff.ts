import type { SessionsDiffParams, SessionsDiffResult } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { checkoutDiff, type DiffScope } from "../projects/diff/diff.ts";
import { rootOf } from "./session-files.ts";
import type { Sessions } from "./sessions.ts";

/**
 * `sessions.diff`: what the checkout that a session works in has changed. Nothing to compare is an answer that says why.
 * @throws GatewayError for an unknown agent, or a commit without the scope that goes with it
 */
export async function sessionDiff(
  sessions: Sessions,
  { sessionKey, agentId, scope = "all", commit }: SessionsDiffParams,
): Promise<SessionsDiffResult> {
  if ((scope === "commit") !== (commit !== undefined)) {
    throw invalidRequest("invalid sessions.diff params: commit must be set if and only if scope is commit");
  }
  const root = await rootOf(sessions, sessionKey, agentId);
  if (root === null) {
    return { sessionKey, files: [], additions: 0, deletions: 0, unavailableReason: "unknown_session" };
  }
  const wanted: DiffScope = scope === "commit" ? { kind: scope, commit: commit! } : { kind: scope };
  return { ...(await checkoutDiff(root, wanted)), sessionKey };
}
