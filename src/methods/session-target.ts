import type { Caller } from "../gateway/context.ts";
import { GatewayError } from "../platform/errors.ts";
import { hasScope } from "../platform/scopes.ts";

/** A call about a session by anybody but an administrator must name it before anything else is looked at. */
export function demandTarget(method: string, params: Record<string, unknown>, caller: Caller): void {
  if (!hasScope(caller, "operator.admin")) demandKey(method, params);
}

/**
 * Upstream asks for the session before it looks at anything else (BEHAVIOUR section 5).
 * @throws GatewayError with `SESSION_MUTATION_TARGET_REQUIRED` when neither `key` nor `sessionKey` is a text
 */
export function demandKey(method: string, { key, sessionKey = key }: Record<string, unknown>): void {
  if (typeof sessionKey === "string" && sessionKey.trim() !== "") return;
  throw new GatewayError("INVALID_REQUEST", "session mutation target is unavailable", {
    details: { code: "SESSION_MUTATION_TARGET_REQUIRED", method },
  });
}
