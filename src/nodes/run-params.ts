import type { PermittedRun, RunClaim } from "../approvals/run-permissions.ts";
import { maySet } from "../config/environment.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { nodeCommandText, requireSameText } from "./run-text.ts";

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

/** Whom a run is for, and where stored approvals are taken from. */
export interface RunContext {
  nodeId: string;
  caller: RunClaim["caller"];
  permissions: { take(claim: RunClaim): Promise<PermittedRun> };
}

/**
 * The params with which a node is asked to run a command: known fields alone, with a run id. A caller cannot say that
 * a run was approved; only an approval that the gateway has stored for it can (GHSA-gv46-4xfq-jv58). Of an approved run
 * the node gets what was approved, whatever the params say: command, folder, agent, session, and the pinned script.
 * @throws GatewayError when the params claim an approval that is not there, or show another command than they run
 */
export async function runParams(params: unknown, context: RunContext): Promise<unknown> {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  const given = params as Record<string, unknown>;
  const runId = typeof given.runId === "string" ? given.runId.trim() : "";
  const forwarded = FORWARDED.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]);
  const known = { ...Object.fromEntries(forwarded), runId: runId === "" ? uuid() : runId };
  const env = environmentOf(given.env);
  if (!claimsApproval(given)) {
    requireSameText(given.command, given.rawCommand);
    return known;
  }
  if (runId === "") throw invalidRequest("approval override requires params.runId", { code: "MISSING_RUN_ID" });
  const { nodeId, caller, permissions } = context;
  const permitted = await permissions.take({ runId, nodeId, caller, ...(env && { env }) });
  return approvedParams(known, permitted);
}

/** @throws GatewayError for a source of approval that callers cannot name */
function claimsApproval({ approved, approvalDecision, approvalSource }: Record<string, unknown>): boolean {
  if (approvalSource === undefined || approvalSource === null)
    return approved === true || DECISIONS.has(approvalDecision);
  if (approvalSource !== "ask-fallback") {
    throw invalidRequest("approval source invalid", { code: "INVALID_APPROVAL_SOURCE" });
  }
  if (approved === undefined && approvalDecision === undefined) return true;
  throw invalidRequest("approval source cannot be combined with explicit approval", {
    code: "APPROVAL_SOURCE_MISMATCH",
  });
}

function approvedParams(known: Record<string, unknown>, { plan, decision }: PermittedRun): Record<string, unknown> {
  const { cwd, agentId, sessionKey, ...others } = known;
  const commandText = nodeCommandText(plan.argv);
  return {
    ...others,
    command: [...plan.argv],
    // In the node's own spelling, which it compares with the arguments.
    rawCommand: commandText,
    systemRunPlan: { ...plan, commandText },
    ...(plan.cwd && { cwd: plan.cwd }),
    ...(plan.agentId && { agentId: plan.agentId }),
    ...(plan.sessionKey && { sessionKey: plan.sessionKey }),
    approved: true,
    approvalDecision: decision,
  };
}

/**
 * The variables of a run. Those that steer loaders, shells and language runtimes would let a harmless command run
 * another one, so that no caller sets them, in whatever spelling (KNOWN_ATTACKS 82).
 * @throws GatewayError in the words of upstream's node host
 */
function environmentOf(env: unknown): Record<string, unknown> | undefined {
  if (env === undefined || env === null) return undefined;
  if (typeof env !== "object" || Array.isArray(env)) throw invalidRequest("system.run env must be an object");
  const blocked = Object.keys(env).filter((name) => !maySet(name.trim(), false) || name !== name.trim());
  if (blocked.length === 0) return env as Record<string, unknown>;
  const shown = blocked.map((name) => JSON.stringify(name).slice(1, -1)).join(", ");
  throw invalidRequest(`SYSTEM_RUN_DENIED: environment override rejected (blocked override keys: ${shown})`, {
    code: "ENV_OVERRIDE_REJECTED",
    envKeys: blocked,
  });
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
