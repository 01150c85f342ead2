const DEEPEST = 14;

/**
 * What a value is made of: sorted lines `path:type`, arrays as `path[]`, several types of one path joined with `|`.
 * A dot in a key is escaped. Deeper than 14 levels nothing is listed.
 */
export function shapeOf(value: unknown): string[] {
  const types = new Map<string, Set<string>>();
  visit(value, "", 0, types);
  return [...types].map(([path, found]) => `${path}:${[...found].sort().join("|")}`).sort();
}

function visit(value: unknown, path: string, depth: number, types: Map<string, Set<string>>): void {
  const type = typeOf(value);
  const found = types.get(path);
  if (found) found.add(type);
  else types.set(path, new Set([type]));
  if (depth > DEEPEST) return;
  if (Array.isArray(value)) for (const item of value) visit(item, `${path}[]`, depth + 1, types);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value))
      visit(item, `${path}.${key.replaceAll(".", "\\.")}`, depth + 1, types);
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/**
 * How two shapes differ, a line each: `- path (type)` only in the first, `+ path (type)` only in the second,
 * `~ path type -> type`. What an empty array would hold is not known and does not count, nor does a type that
 * one side has among others.
 */
export function shapeDifferences(first: readonly string[], second: readonly string[]): string[] {
  const [a, b] = [byPath(first), byPath(second)];
  const lines: string[] = [];
  for (const [path, type] of a) {
    const other = b.get(path);
    if (other === undefined) {
      if (!insideEmptyArray(path, b)) lines.push(`- ${path || "."} (${type})`);
    } else if (!isPart(type, other) && !isPart(other, type)) lines.push(`~ ${path || "."} ${type} -> ${other}`);
  }
  for (const [path, type] of b) {
    if (!a.has(path) && !insideEmptyArray(path, a)) lines.push(`+ ${path || "."} (${type})`);
  }
  return lines;
}

function byPath(lines: readonly string[]): Map<string, string> {
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(":")), line.slice(line.lastIndexOf(":") + 1)]));
}

/** True when some array on the way to the path is there and empty. */
function insideEmptyArray(path: string, paths: ReadonlyMap<string, string>): boolean {
  for (let at = path.indexOf("[]"); at >= 0; at = path.indexOf("[]", at + 2)) {
    if (paths.has(path.slice(0, at)) && !paths.has(path.slice(0, at + 2))) return true;
  }
  return false;
}

const isPart = (types: string, of: string): boolean => types.split("|").every((type) => of.split("|").includes(type));
