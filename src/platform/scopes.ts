import { ADMIN_SCOPE, SCOPES } from "../../generated/scopes.ts";
import { GatewayError } from "./errors.ts";

const WIDER: Readonly<Record<string, readonly string[]>> = SCOPES;

/** True when the scopes hold this one, by itself or through a wider one (spec/chela/scopes.yaml). */
export function hasScope({ scopes }: { scopes: ReadonlySet<string> }, scope: string): boolean {
  if (scopes.has(scope) || scopes.has(ADMIN_SCOPE)) return true;
  return Object.hasOwn(WIDER, scope) && WIDER[scope]!.some((wider) => scopes.has(wider));
}

/** The refusal of a caller that lacks a scope. */
export const missingScope = (scope: string): GatewayError =>
  new GatewayError("FORBIDDEN", `missing scope: ${scope}`, {
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  });
