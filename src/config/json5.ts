import { MAX_DEPTH, syntaxProblem } from "./locate.ts";
import { ConfigError } from "./problem.ts";

/** A JSON object as it was read. */
export type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Parses JSON5: comments, trailing commas, unquoted keys. The keys `__proto__`, `constructor` and `prototype` are
 * left out wherever they stand, so that no later merge can reach a prototype.
 * @param file named in the error
 * @throws ConfigError with line, column and reason
 */
export function parseJson5(text: string, file: string): unknown {
  try {
    return withoutPrototypeKeys(Bun.JSON5.parse(text), 0);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
    const place = syntaxProblem(text);
    const reason = place?.reason ?? error.message.replace(/^JSON5 Parse error: /, "");
    const hint = "mend it, or restore an earlier copy of the file";
    throw new ConfigError([{ file, path: "", ...place, reason: `not valid JSON5: ${reason}`, hint }]);
  }
}

const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

function withoutPrototypeKeys(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new RangeError("nested too deeply");
  if (Array.isArray(value)) return value.map((item) => withoutPrototypeKeys(item, depth + 1));
  if (!isTree(value)) return value;
  const out: Tree = {};
  for (const [key, child] of Object.entries(value)) {
    if (!PROTOTYPE_KEYS.has(key)) out[key] = withoutPrototypeKeys(child, depth + 1);
  }
  return out;
}
