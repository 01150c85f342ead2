/** What of SQLite's failures the sender of a write can be told: nothing of them is the request's fault. */
const PROBLEMS: readonly (readonly [code: RegExp, words: string])[] = [
  [/^SQLITE_FULL$/, "the gateway's disk is full"],
  [/^SQLITE_READONLY/, "the gateway's database cannot be written"],
  [/^SQLITE_IOERR/, "the gateway's disk fails"],
  [/^SQLITE_(CORRUPT|NOTADB)/, "the gateway's database is damaged"],
  [/^SQLITE_(BUSY|LOCKED)/, "another program holds the gateway's database"],
];

/** Why the database could not do its work, in words that tell nothing of this machine; null for other errors. */
export function storageProblem(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") return null;
  return PROBLEMS.find(([pattern]) => pattern.test(code))?.[1] ?? null;
}
