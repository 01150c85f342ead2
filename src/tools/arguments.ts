import { ToolError } from "./types.ts";

/** The arguments of a call do not fit the tool's schema. */
export class InvalidArguments extends ToolError {
  constructor(
    message: string,
    /** One line, for people who called by hand: `path required`. */
    readonly short: string,
  ) {
    super(message);
  }
}

/** Most issues that a model is told at once, and most characters of its own arguments that it is shown again. */
const MOST_ISSUES = 10;
const MOST_CHARS = 2000;

/**
 * The arguments as the tool takes them: numbers and truth values that came as text are read as what the schema asks
 * for, because many models write them so.
 * @throws InvalidArguments with every issue, in upstream's form
 */
export async function checkedArguments(
  tool: { name: string; parameters: Record<string, unknown> },
  given: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const args = read(tool.parameters, given);
  const { argumentIssues } = await import("./lazy/arguments.ts");
  const issues = argumentIssues(tool.parameters, args);
  if (issues.length === 0) return args;
  const lines = issues.slice(0, MOST_ISSUES).map((issue) => `  - ${issue}`);
  throw new InvalidArguments(
    `Validation failed for tool "${tool.name}":\n${lines.join("\n")}\n\nReceived arguments:\n${shown(given)}`,
    shortened(issues[0]!),
  );
}

/** The first issue as a person is told it. */
function shortened(issue: string): string {
  const [path = "", what = ""] = issue.split(": ", 2);
  if (what.startsWith("must have required") || what === "must be string") return `${path} required`;
  if (/^must be (integer|number|>= 1)$/.test(what)) return `${path} must be a positive integer`;
  return what.startsWith("must") ? `${path} ${what}` : issue;
}

function shown(args: Record<string, unknown>): string {
  const text = JSON.stringify(args, null, 2);
  return text.length <= MOST_CHARS ? text : `${text.slice(0, MOST_CHARS)}\n...`;
}

function read({ properties }: Record<string, unknown>, given: Record<string, unknown>): Record<string, unknown> {
  const types = (properties ?? {}) as Record<string, { type?: unknown }>;
  const entries = Object.entries(given).map(([name, value]) => {
    const type = Object.hasOwn(types, name) ? types[name]?.type : undefined;
    return [name, typeof value === "string" ? readAs(type, value) : value] as const;
  });
  return Object.fromEntries(entries);
}

function readAs(type: unknown, value: string): unknown {
  const word = value.trim();
  if (type === "boolean" && (word === "true" || word === "false")) return word === "true";
  if ((type === "number" || type === "integer") && /^-?\d{1,15}(\.\d{1,15})?$/.test(word)) return Number(word);
  return value;
}
