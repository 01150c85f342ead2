import { GatewayError } from "./errors.ts";

/** True when the scopes hold this one, by itself or through a wider one (`operator.admin`, write over read). */
export function hasScope({ scopes }: { scopes: ReadonlySet<string> }, scope: string): boolean {
  if (scopes.has(scope) || scopes.has("operator.admin")) return true;
  return scope === "operator.read" && scopes.has("operator.write");
}

/** The refusal of a caller that lacks a scope. */
export const missingScope = (scope: string): GatewayError =>
  new GatewayError("FORBIDDEN", `missing scope: ${scope}`, {
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  });
