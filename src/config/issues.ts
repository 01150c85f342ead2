import type { ConfigKey } from "../../generated/config.ts";
import type { Finding } from "./check.ts";
import { isTree, type Tree } from "./json5.ts";
import { dotted } from "./problem.ts";

/** One thing that a configuration to be written must not say, as upstream's answers list it. */
export interface WriteIssue {
  /** The key, dotted; empty for the whole. */
  path: string;
  message: string;
  /** What may stand there. */
  allowedValues?: unknown[];
  allowedValuesHiddenCount?: number;
}

/** At most this many choices are listed. */
const MAX_LISTED = 12;

/** Findings of the key tree in the words of upstream's answers; keys that one object should not have in one issue. */
export function writeIssues(findings: readonly Finding[]): WriteIssue[] {
  const issues: WriteIssue[] = [];
  const unknown = new Map<string, string[]>();
  for (const { path, value, key } of findings) {
    if (key !== undefined) issues.push({ path: dotted(path), ...valueIssue(value, key) });
    else {
      const parent = dotted(path.slice(0, -1));
      unknown.set(parent, [...(unknown.get(parent) ?? []), JSON.stringify(path.at(-1))]);
    }
  }
  for (const [path, names] of unknown) {
    issues.push({ path, message: `Unrecognized key${names.length > 1 ? "s" : ""}: ${names.join(", ")}` });
  }
  return issues;
}

/** `invalid config: ` and every issue with its key. */
export const issuesText = (issues: readonly WriteIssue[]): string =>
  `invalid config: ${issues.map(({ path, message }) => `${path === "" ? "<root>" : path}: ${message}`).join("; ")}`;

/** Places of `$include` in a configuration, which only a person at the file may write. */
export function includeFindings(value: unknown, path: readonly (string | number)[] = []): Finding[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => includeFindings(item, [...path, index]));
  if (!isTree(value)) return [];
  return Object.entries(value as Tree).flatMap(([name, child]) =>
    name === "$include"
      ? [{ path: [...path, name], value: child, key: undefined, reason: "", fatal: true }]
      : includeFindings(child, [...path, name]),
  );
}

const NAMES: Readonly<Record<string, string>> = { integer: "number", list: "array", map: "object", secret: "string" };

function valueIssue(value: unknown, key: ConfigKey): Omit<WriteIssue, "path"> {
  if (key.t === "enum") {
    const allowedValues = key.v!.slice(0, MAX_LISTED);
    const hidden = key.v!.length - allowedValues.length;
    const listed = allowedValues.map((choice) => JSON.stringify(choice)).join(", ");
    const message = `Invalid input (allowed: ${listed}${hidden > 0 ? `, and ${hidden} more` : ""})`;
    return { message, allowedValues, allowedValuesHiddenCount: hidden };
  }
  if (key.t === "union") return { message: "Invalid input" };
  const wanted = NAMES[key.t] ?? key.t;
  const kind = jsonKind(value);
  if (kind !== wanted) return { message: `Invalid input: expected ${wanted}, received ${kind}` };
  const number = value as number;
  if (key.t === "integer" && !Number.isSafeInteger(number))
    return { message: "Invalid input: expected int, received number" };
  return number < (key.min ?? Number.NEGATIVE_INFINITY)
    ? { message: `Too small: expected number to be >=${key.min}` }
    : { message: `Too big: expected number to be <=${key.max}` };
}

function jsonKind(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
