import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";

/** What of `system.run` params reaches a node. Everything else, above all what says "approved", stays here. */
const FORWARDED = [
  "command",
  "rawCommand",
  "systemRunPlan",
  "cwd",
  "env",
  "timeoutMs",
  "needsScreenRecording",
  "agentId",
  "sessionKey",
  "runId",
  "suppressNotifyOnExit",
] as const;

const DECISIONS: ReadonlySet<unknown> = new Set(["allow-once", "allow-always"]);

/**
 * The params with which a node is asked to run a command: known fields alone, with a run id. A caller cannot say that
 * a run was approved; only an approval that the gateway has stored for it could (GHSA-gv46-4xfq-jv58).
 * @throws GatewayError when the params claim an approval that is not there
 */
export function runParams(params: unknown): unknown {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  const given = params as Record<string, unknown>;
  const runId = typeof given.runId === "string" ? given.runId.trim() : "";
  if (given.approved === true || DECISIONS.has(given.approvalDecision)) {
    if (runId === "") {
      throw invalidRequest("approval override requires params.runId", { code: "MISSING_RUN_ID" });
    }
    throw invalidRequest("unknown or expired approval id", { code: "UNKNOWN_APPROVAL_ID", runId });
  }
  const forwarded = FORWARDED.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]);
  return { ...Object.fromEntries(forwarded), runId: runId === "" ? uuid() : runId };
}

/** Routes of the browser proxy that change profiles on disk: not for a call that anybody with write scope relays. */
const PROFILE_ROUTES = /^\/(profiles\/create|profiles\/[^/]+|reset-profile)\/?$/;

export function changesBrowserProfiles(params: unknown): boolean {
  if (typeof params !== "object" || params === null) return false;
  const { method, path } = params as { method?: unknown; path?: unknown };
  if (typeof method !== "string" || typeof path !== "string") return false;
  const route = `/${path.trim().split(/[?#]/)[0]!.replace(/^\/+/, "")}`;
  return ["POST", "DELETE"].includes(method.trim().toUpperCase()) && PROFILE_ROUTES.test(route);
}
