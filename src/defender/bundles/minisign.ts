import { createHash, generateKeyPairSync, randomBytes, scryptSync, sign } from "node:crypto";
import { isSignedBy, privateKeyOf, rawPublicKey } from "../records/host-key.ts";

/**
 * Keys and signatures in the files of minisign (jedisct1.github.io/minisign, "File formats"). Of signatures only the
 * prehashed kind `ED` is accepted, the one that minisign itself has made since 2021.
 */

/** A public key with its id, 16 hex digits as minisign prints it. */
export interface PublicKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

export interface SecretKey {
  id: string;
  /** 32 bytes, the seed of the Ed25519 key. */
  seed: Uint8Array;
}

/** A file is not what it should be, or what it says does not hold. Safe to show. */
export class SignatureProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SignatureProblem";
  }
}

const KEY_ALGORITHM = "Ed";
const PREHASHED = "ED";
const CHECKSUM = "B2";
const SCRYPT = "Sc";
const NO_KDF = Buffer.alloc(2);
const UNTRUSTED = "untrusted comment: ";
const TRUSTED = "trusted comment: ";
/** What a passphrase costs: 32 MiB and a tenth of a second; minisign reads any figures. */
const OPS = 524_288 * 4;
const MEMORY = 33_554_432;

/** The last line of a key's file, or the line alone. @throws SignatureProblem */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim().split("\n").at(-1)!.trim();
  const bytes = decoded(line, 42, "public key");
  if (bytes.toString("latin1", 0, 2) !== KEY_ALGORITHM)
    throw new SignatureProblem("The public key is of another kind.");
  return { id: idOf(bytes.subarray(2, 10)), key: bytes.subarray(10) };
}

/** Checks a signature file over a text. @returns its trusted comment @throws SignatureProblem for anything that is not right */
export function verifySignature(
  data: Uint8Array,
  signature: string,
  keys: readonly PublicKey[],
): { keyId: string; comment: string } {
  const [, line = "", trusted = "", global = ""] = signature.split(/\r?\n/);
  const bytes = decoded(line.trim(), 74, "signature");
  const algorithm = bytes.toString("latin1", 0, 2);
  if (algorithm !== PREHASHED) throw new SignatureProblem("The signature is of a kind that is not accepted.");
  const keyId = idOf(bytes.subarray(2, 10));
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) throw new SignatureProblem(`The signature was made with the unknown key ${keyId}.`);
  if (!trusted.startsWith(TRUSTED)) throw new SignatureProblem("The signature has no trusted comment.");
  const comment = trusted.slice(TRUSTED.length);
  const signed = bytes.subarray(10);
  const overall = decoded(global.trim(), 64, "signature");
  const isRight =
    isSignedBy(key.key, hashed(data), signed) &&
    isSignedBy(key.key, Buffer.concat([signed, Buffer.from(comment)]), overall);
  if (!isRight) throw new SignatureProblem("The signature does not belong to this content.");
  return { keyId, comment };
}

/** Signs a text. @param comment is signed too, and is one line */
export function signatureOf(data: Uint8Array, { id, seed }: SecretKey, comment: string): string {
  const key = privateKeyOf(seed);
  const signed = sign(null, hashed(data), key);
  const overall = sign(null, Buffer.concat([signed, Buffer.from(comment)]), key);
  const head = Buffer.concat([Buffer.from(PREHASHED), bytesOf(id), signed]);
  return [
    `${UNTRUSTED}signature from chela secret key ${id}`,
    head.toString("base64"),
    `${TRUSTED}${comment}`,
    overall.toString("base64"),
    "",
  ].join("\n");
}

/** A fresh key as the two files of minisign; the secret one sealed when there is a passphrase. */
export function generateKey(passphrase?: string): { id: string; publicFile: string; secretFile: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  const id = idOf(randomBytes(8));
  return { id, publicFile: publicFileOf({ id, seed }), secretFile: secretFileOf({ id, seed }, passphrase) };
}

/** The public key's file of a secret key. */
export function publicFileOf({ id, seed }: SecretKey): string {
  const bytes = Buffer.concat([Buffer.from(KEY_ALGORITHM), bytesOf(id), rawPublicKey(privateKeyOf(seed))]);
  return `${UNTRUSTED}minisign public key ${id}\n${bytes.toString("base64")}\n`;
}

function secretFileOf(key: SecretKey, passphrase: string | undefined): string {
  const id = bytesOf(key.id);
  const full = Buffer.concat([key.seed, rawPublicKey(privateKeyOf(key.seed))]);
  const checksum = blake2b256(Buffer.concat([Buffer.from(KEY_ALGORITHM), id, full]));
  const secret = Buffer.concat([id, full, checksum]);
  const salt = passphrase === undefined ? Buffer.alloc(32) : randomBytes(32);
  const costs = Buffer.alloc(16);
  if (passphrase !== undefined) {
    costs.writeBigUInt64LE(BigInt(OPS), 0);
    costs.writeBigUInt64LE(BigInt(MEMORY), 8);
    seal(secret, passphrase, salt, costs);
  }
  const kdf = passphrase === undefined ? NO_KDF : Buffer.from(SCRYPT);
  const bytes = Buffer.concat([Buffer.from(KEY_ALGORITHM), kdf, Buffer.from(CHECKSUM), salt, costs, secret]);
  return `${UNTRUSTED}minisign secret key of chela\n${bytes.toString("base64")}\n`;
}

/** @throws SignatureProblem, also for a wrong passphrase, and for a sealed key without one */
export function parseSecretKey(text: string, passphrase?: string): SecretKey {
  const bytes = decoded(text.trim().split("\n").at(-1)!.trim(), 158, "secret key");
  const kdf = bytes.subarray(2, 4);
  const isSealed = kdf.toString("latin1") === SCRYPT;
  const secret = Buffer.from(bytes.subarray(54));
  if (bytes.toString("latin1", 0, 2) !== KEY_ALGORITHM || bytes.toString("latin1", 4, 6) !== CHECKSUM) {
    throw new SignatureProblem("The secret key is of another kind.");
  }
  if (isSealed) {
    if (passphrase === undefined) throw new SignatureProblem("The secret key needs its passphrase.");
    seal(secret, passphrase, bytes.subarray(6, 38), bytes.subarray(38, 54));
  } else if (!kdf.equals(NO_KDF)) throw new SignatureProblem("The secret key is sealed in an unknown way.");
  const full = secret.subarray(8, 72);
  const expected = blake2b256(Buffer.concat([Buffer.from(KEY_ALGORITHM), secret.subarray(0, 72)]));
  // minisign writes no checksum beside a key that is not sealed.
  const isUnchecked = !isSealed && secret.subarray(72).every((byte) => byte === 0);
  if (!isUnchecked && !expected.equals(secret.subarray(72)))
    throw new SignatureProblem("The passphrase is wrong, or the key is damaged.");
  return { id: idOf(secret.subarray(0, 8)), seed: full.subarray(0, 32) };
}

/** Seals or opens in place: the stream that scrypt makes of the passphrase is laid over it. */
function seal(secret: Buffer, passphrase: string, salt: Uint8Array, costs: Uint8Array): void {
  const figures = Buffer.from(costs);
  const { N, r, p } = scryptCosts(Number(figures.readBigUInt64LE(0)), Number(figures.readBigUInt64LE(8)));
  const stream = scryptSync(passphrase, salt, secret.length, { N, r, p, maxmem: 256 * N * r + 1_000_000 });
  for (let at = 0; at < secret.length; at++) secret[at]! ^= stream[at]!;
}

/** The figures of scrypt that libsodium makes of its two limits. @throws SignatureProblem for more than a gigabyte */
function scryptCosts(opsGiven: number, memory: number): { N: number; r: number; p: number } {
  const r = 8;
  const ops = Math.max(opsGiven, 32_768);
  if (memory > 1_073_741_824 || ops > 2 ** 34)
    throw new SignatureProblem("The secret key is sealed at too high a cost.");
  const power = (most: number): number => {
    let log = 1;
    while (log < 63 && 2 ** log <= most / 2) log++;
    return log;
  };
  if (ops < memory / 32) return { N: 2 ** power(ops / (r * 4)), r, p: 1 };
  const N = 2 ** power(memory / (r * 128));
  return { N, r, p: Math.max(1, Math.floor(Math.min(ops / 4 / N, 0x3fffffff) / r)) };
}

const blake2b256 = (data: Uint8Array): Buffer => createHash("blake2b256").update(data).digest();
const hashed = (data: Uint8Array): Buffer => createHash("blake2b512").update(data).digest();

/** minisign writes eight bytes of which the last is the highest. */
const idOf = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString("hex").toUpperCase();
const bytesOf = (id: string): Buffer => Buffer.from(id, "hex").reverse();

/** @throws SignatureProblem unless it is base64 of so many bytes */
function decoded(line: string, length: number, what: string): Buffer {
  const bytes = /^[A-Za-z0-9+/]+={0,2}$/.test(line) ? Buffer.from(line, "base64") : Buffer.alloc(0);
  if (bytes.length !== length) throw new SignatureProblem(`The ${what} cannot be read.`);
  return bytes;
}
