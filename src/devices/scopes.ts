/** The operator scopes that exist (docs: gateway/operator-scopes). Others are never granted without being asked about. */
export const OPERATOR_SCOPES: ReadonlySet<string> = new Set([
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.sessions.read",
  "operator.sessions.write",
  "operator.approvals",
  "operator.questions",
  "operator.pairing",
  "operator.talk",
  "operator.talk.secrets",
]);

const IMPLIED_BY_WRITE: ReadonlySet<string> = new Set(["operator.read", "operator.talk"]);

/** True when the granted scopes include the wanted one: itself, any operator scope by admin, read and talk by write. */
export function covers(granted: readonly string[] | ReadonlySet<string>, wanted: string): boolean {
  const held = granted instanceof Set ? granted : new Set(granted as readonly string[]);
  if (held.has(wanted)) return true;
  if (held.has("operator.admin")) return wanted.startsWith("operator.");
  return held.has("operator.write") && IMPLIED_BY_WRITE.has(wanted);
}

export function coversAll(granted: readonly string[] | ReadonlySet<string>, wanted: Iterable<string>): boolean {
  const held = granted instanceof Set ? granted : new Set(granted as readonly string[]);
  for (const scope of wanted) if (!covers(held, scope)) return false;
  return true;
}

/** The scopes as a token records them: sorted, with read and write by admin, and read by write. */
export function expand(scopes: Iterable<string>): string[] {
  const all = new Set(scopes);
  if (all.has("operator.admin")) all.add("operator.write");
  if (all.has("operator.write")) all.add("operator.read");
  return [...all].sort();
}

/** Both lists without repetition, the first one's order first. */
export const union = <T>(first: readonly T[], second: readonly T[]): T[] => [...new Set([...first, ...second])];
