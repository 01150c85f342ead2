/** The family of types that no method family names: frames, the handshake, shared records. */
export const COMMON_FAMILY = "common";

/** The family of a method: its first dotted segment, `sessions` for `sessions.list`. */
export function methodFamily(method: string): string {
  return method.split(".")[0]!;
}

function words(name: string): string[] {
  return name.match(/[A-Z][a-z0-9]*|[A-Z]+(?![a-z])/g) ?? [name];
}

const singular = (word: string) => word.toLowerCase().replace(/s$/, "");

/**
 * The file a type belongs to: the method family that its leading words spell (`SessionRow` and `SessionsListParams` give
 * `sessions`, `TaskSuggestionEvent` gives `taskSuggestions`), the longest spelling first; otherwise `common`.
 * Singular and plural share the file of the plural, so that a record lies beside the methods that return it.
 */
export function typeFamilies(types: readonly string[], methods: readonly string[]): Map<string, string> {
  const bySpelling = new Map<string, string>();
  for (const family of [...new Set(methods.map(methodFamily))].sort()) {
    const spelling = family
      .split(/(?=[A-Z])|-/)
      .map(singular)
      .join(" ");
    const known = bySpelling.get(spelling);
    if (known === undefined || family.length > known.length) bySpelling.set(spelling, family);
  }
  const out = new Map<string, string>();
  for (const type of types) {
    const parts = words(type).map(singular);
    let family = COMMON_FAMILY;
    for (let count = Math.min(3, parts.length); count > 0; count--) {
      const found = bySpelling.get(parts.slice(0, count).join(" "));
      if (found !== undefined) {
        family = found;
        break;
      }
    }
    out.set(type, family);
  }
  return out;
}
