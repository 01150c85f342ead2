import type { DeviceManager } from "../devices/types.ts";
import { GatewayError } from "../platform/errors.ts";
import { hasScope } from "../platform/scopes.ts";

/** @throws GatewayError `missing scope: ...` with the first that the manager does not hold */
export function requireScopes(manager: DeviceManager, requiredScopes: string[]): void {
  const missing = requiredScopes.find((scope) => !hasScope(manager, scope));
  if (missing === undefined) return;
  throw new GatewayError("FORBIDDEN", `missing scope: ${missing}`, {
    details: { code: "MISSING_SCOPE", missingScope: missing, requiredScopes },
  });
}
