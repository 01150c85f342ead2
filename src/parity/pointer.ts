/** The value under a JSON pointer (RFC 6901), or undefined. */
export function pointer(value: unknown, path: string): unknown {
  let current = value;
  for (const part of path.split("/").slice(1)) {
    if (typeof current !== "object" || current === null) return undefined;
    current = (current as Record<string, unknown>)[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return current;
}
