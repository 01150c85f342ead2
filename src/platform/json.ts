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

/** The same text for equal values, whatever the order of their keys. */
export const stableJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
