import { WRITE_FIELDS } from "./patch-fields.ts";

/**
 * The scopes that the session methods of dynamic scope need, judged from params that nobody has checked yet
 * (measured on 2026.9.6; docs: gateway/protocol, operator methods).
 */

/** `sessions.patch`: `operator.write` for what organises sessions and for the model; else `operator.admin`. */
export function patchScope(params: Readonly<Record<string, unknown>>): string {
  return Object.keys(params).every((name) => WRITE_FIELDS.has(name)) ? "operator.write" : "operator.admin";
}

/** `sessions.patchMany`: as the change would need by itself. Params that are none need `operator.write`. */
export function patchManyScope({ patch }: Readonly<Record<string, unknown>>): string {
  return typeof patch === "object" && patch !== null ? patchScope(patch as Record<string, unknown>) : "operator.write";
}

/** What only an administrator may choose for a new session: where commands run and what tools may do. */
const ADMIN_CREATION = [
  "execNode",
  "permissionMode",
  "toolOverrides",
  "contextWindow",
  "incognito",
  "thinkingLevel",
] as const;

/** `sessions.create`. A directory outside the agent's workspace needs `operator.admin`, too; `createSession` sees to it. */
export function createScope(params: Readonly<Record<string, unknown>>): string {
  return ADMIN_CREATION.some((name) => params[name] !== undefined) ? "operator.admin" : "operator.write";
}

/** `sessions.delete`: archived sessions may be cleared away with `operator.write`. */
export function deleteScope({ archivedOnly }: Readonly<Record<string, unknown>>): string {
  return archivedOnly === true ? "operator.write" : "operator.admin";
}
