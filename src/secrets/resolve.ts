import type { SecretsResolveResult } from "../../generated/types.ts";
import type { Config } from "../config/config.ts";
import { isSecretPlace } from "../config/secret-places.ts";
import { invalidRequest } from "../platform/errors.ts";

/**
 * `secrets.resolve`: what a command of the command line needs of the secrets that the configuration refers to, for
 * administrators. Values that stand in the file itself are not given. Targets are patterns of keys, such as
 * `models.providers.*.apiKey`; `allowedPaths` narrows them. (docs: gateway/protocol, secrets; measured on 2026.9.6)
 * @throws GatewayError naming the parameter that is wrong, or the target that is none
 */
export function resolveSecrets(
  config: Pick<Config, "referencedSecrets">,
  params: Record<string, unknown>,
): SecretsResolveResult {
  const { targetIds, allowedPaths } = readParams(params);
  const unknown = targetIds.find((id) => !isSecretPlace(id));
  if (unknown !== undefined) throw invalid(`unknown target id "${unknown}"`);
  const wanted = config.referencedSecrets().flatMap(({ names, value }) => {
    const path = names.join(".");
    const isMeant = targetIds.some((id) => matches(id, names)) && allowedPaths?.includes(path) !== false;
    return isMeant ? [{ path, pathSegments: [...names], value }] : [];
  });
  return {
    ok: true,
    assignments: wanted.filter(({ value }) => value !== undefined),
    diagnostics: wanted
      .filter(({ value }) => value === undefined)
      .map(({ path }) => `${path}: the reference has no value`),
    inactiveRefPaths: [],
  };
}

function matches(pattern: string, names: readonly string[]): boolean {
  const segments = pattern.split(".");
  return segments.length === names.length && segments.every((segment, at) => segment === "*" || segment === names[at]);
}

function readParams(params: Record<string, unknown>): { targetIds: string[]; allowedPaths: string[] | undefined } {
  const { commandName, targetIds, allowedPaths, forcedActivePaths, optionalActivePaths, providerOverrides } = params;
  if (typeof commandName !== "string" || commandName.trim() === "") throw invalid("commandName");
  const known = [
    "commandName",
    "targetIds",
    "allowedPaths",
    "forcedActivePaths",
    "optionalActivePaths",
    "providerOverrides",
  ];
  const hasOthers = Object.keys(params).some((name) => !known.includes(name));
  const lists = [allowedPaths, forcedActivePaths, optionalActivePaths].filter((list) => list !== undefined);
  const isObject =
    providerOverrides === undefined || (typeof providerOverrides === "object" && providerOverrides !== null);
  if (hasOthers || !isTexts(targetIds) || !lists.every(isTexts) || !isObject) throw invalid("targetIds");
  return { targetIds, allowedPaths: allowedPaths as string[] | undefined };
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");

const invalid = (what: string) => invalidRequest(`invalid secrets.resolve params: ${what}`);
