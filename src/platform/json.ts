/** Serialised forms of objects that are declared immutable; they go with the object when it is collected. */
const serialised = new WeakMap<object, string>();

/** Serialises an object now and remembers the text. The object must not change afterwards; it is returned for chaining. */
export function immutable<T extends object>(value: T): T {
  serialised.set(value, JSON.stringify(value));
  return value;
}

/** `JSON.stringify`, except that an object given to {@link immutable} costs a lookup. `undefined` becomes `null`. */
export function toJson(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    const known = serialised.get(value);
    if (known !== undefined) return known;
  }
  return JSON.stringify(value) ?? "null";
}

/**
 * Whether a JSON text nests deeper than it may. What walks or writes the value again would run out of stack, which parsing
 * does not.
 */
export function nestsDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > maxDepth) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125];

/** The same text for equal values, whatever the order of their keys. */
export const stableJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
