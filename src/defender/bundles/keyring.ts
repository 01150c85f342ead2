import { type PublicKey, parsePublicKey, SignatureProblem } from "./minisign.ts";

/** A key that may sign policies, and from when to when. */
export interface RingKey extends PublicKey {
  /** As in its file: base64. */
  text: string;
  /** Epoch milliseconds. */
  notBefore?: number;
  notAfter?: number;
  isRevoked: boolean;
}

/** At most so many; a rotation needs two. */
const MOST_KEYS = 64;

/**
 * The keys of a keyring: YAML with `keys`, each with `key` (the last line of a minisign public key), and if wanted
 * `notBefore`, `notAfter` (ISO dates) and `revoked`. @throws SignatureProblem
 */
export function parseKeyring(text: string): RingKey[] {
  let value: unknown;
  try {
    value = Bun.YAML.parse(text);
  } catch {
    throw new SignatureProblem("The keyring cannot be read as YAML.");
  }
  const keys = (value as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) throw new SignatureProblem("The keyring has no list of keys.");
  const ring = keys.map(ringKey);
  if (new Set(ring.map(({ id }) => id)).size < ring.length)
    throw new SignatureProblem("The keyring has a key id twice.");
  return ring;
}

function ringKey(entry: unknown): RingKey {
  const { key, notBefore, notAfter, revoked, ...rest } = (entry ?? {}) as Record<string, unknown>;
  const [unknownName] = Object.keys(rest).filter((name) => name !== "comment");
  if (unknownName !== undefined) throw new SignatureProblem(`The keyring has the unknown word ${unknownName}.`);
  if (typeof key !== "string") throw new SignatureProblem("A key of the keyring has no text.");
  if (revoked !== undefined && typeof revoked !== "boolean") throw new SignatureProblem("revoked is true or false.");
  return {
    ...parsePublicKey(key),
    text: key.trim(),
    notBefore: timeOf(notBefore, "notBefore"),
    notAfter: timeOf(notAfter, "notAfter"),
    isRevoked: revoked === true,
  };
}

/** The keys that may sign at a time. */
export const validAt = (keys: readonly RingKey[], now: number): RingKey[] =>
  keys.filter(
    ({ isRevoked, notBefore = Number.NEGATIVE_INFINITY, notAfter = Number.POSITIVE_INFINITY }) =>
      !isRevoked && notBefore <= now && now < notAfter,
  );

/** A date of a file in epoch milliseconds. @throws SignatureProblem for one that is none */
export function timeOf(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const time = typeof value === "string" && /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new SignatureProblem(`${what} is not a date such as 2026-01-31T00:00:00Z.`);
  return time;
}

/** The keyring as YAML. */
export function keyringText(keys: readonly RingKey[]): string {
  const entries = keys.map(({ id, text, notBefore, notAfter, isRevoked }) =>
    [
      `  - key: ${text} # ${id}`,
      ...(notBefore === undefined ? [] : [`    notBefore: "${new Date(notBefore).toISOString()}"`]),
      ...(notAfter === undefined ? [] : [`    notAfter: "${new Date(notAfter).toISOString()}"`]),
      ...(isRevoked ? ["    revoked: true"] : []),
    ].join("\n"),
  );
  return `keys:\n${entries.join("\n")}\n`;
}

/**
 * A keyring in which a new key takes over: the old ones end after the overlap, unless they end before.
 * @throws SignatureProblem when the key is there already
 */
export function rotated(
  keys: readonly RingKey[],
  fresh: PublicKey & { text: string },
  now: number,
  overlapMs: number,
): RingKey[] {
  if (keys.some(({ id }) => id === fresh.id)) throw new SignatureProblem("The new key is in the keyring already.");
  const end = now + overlapMs;
  const old = keys.map((key) => (key.isRevoked ? key : { ...key, notAfter: Math.min(key.notAfter ?? end, end) }));
  return [...old, { ...fresh, notBefore: now, isRevoked: false }];
}
