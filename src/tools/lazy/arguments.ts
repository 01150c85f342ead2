import { Errors } from "typebox/schema";

type Issue = ReturnType<typeof Errors>[1][number];

/**
 * What is wrong with a call's arguments by the tool's schema, one line per issue in upstream's words; empty when they
 * are fine.
 */
export function argumentIssues(schema: object, args: unknown): string[] {
  const [, issues] = Errors(schema, args);
  const lines = issues.filter(({ keyword }) => keyword !== "boolean").map(line);
  return [...new Set(lines)];
}

function line({ keyword, instancePath, params, message }: Issue): string {
  const path = instancePath.slice(1).replaceAll("/", ".");
  const { requiredProperties, additionalProperties } = params as Record<string, string[] | undefined>;
  const missing = keyword === "required" ? requiredProperties : undefined;
  const extra = keyword === "additionalProperties" ? additionalProperties : undefined;
  const [name] = missing ?? extra ?? [];
  const at = [path, ...(name === undefined ? [] : [name])].filter((part) => part !== "").join(".");
  if (extra) return `${at || "root"}: unexpected property`;
  return `${at || "root"}: ${message}`;
}
