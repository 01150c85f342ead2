import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { join } from "node:path";
import { createPrivateFile, readPrivateFile } from "../../platform/private-file.ts";

const SEED_BYTES = 32;
/** What stands before 32 bytes of an Ed25519 seed or public key in DER (RFC 8410). */
const SEED_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_HEAD = Buffer.from("302a300506032b6570032100", "hex");

/**
 * The key of this host: signs what it reports of itself, and gives the keys by which records are chained and blocked
 * payloads sealed. Made on first use and kept in a file of the state directory that only the gateway's user may read.
 */
export class HostKey {
  private loaded: { seed: Buffer; key: KeyObject } | undefined;

  private constructor(private readonly load: () => Buffer) {}

  /** The key in `defender/host.key` of the state directory. Nothing is read or made before it is needed. */
  static in(stateDir: string): HostKey {
    return new HostKey(() => readOrCreate(join(stateDir, "defender", "host.key")));
  }

  /** A key that is gone with the process. */
  static fresh(): HostKey {
    const seed = randomBytes(SEED_BYTES);
    return new HostKey(() => seed);
  }

  /** 32 bytes, base64. */
  get publicKey(): string {
    return rawPublicKey(this.get().key).toString("base64");
  }

  /** The first 16 hex digits of the public key's SHA-256. */
  get id(): string {
    return hostKeyId(this.publicKey);
  }

  /** An Ed25519 signature, base64. */
  sign(data: Uint8Array): string {
    return sign(null, data, this.get().key).toString("base64");
  }

  /** 32 bytes for one purpose, which tell nothing of the key or of those for another purpose. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync("sha256", this.get().seed, "", `chela/${purpose}`, 32));
  }

  private get() {
    if (this.loaded === undefined) {
      const seed = this.load();
      this.loaded = { seed, key: privateKeyOf(seed) };
    }
    return this.loaded;
  }
}

/** Names a host key by its public half (base64). */
export const hostKeyId = (publicKey: string): string =>
  createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex").slice(0, 16);

/** An Ed25519 private key of its 32 bytes. */
export const privateKeyOf = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([SEED_HEAD, seed]), format: "der", type: "pkcs8" });

/** The 32 bytes of the public half. */
export const rawPublicKey = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: "der", type: "spki" }).subarray(PUBLIC_HEAD.length);

/** Whether an Ed25519 signature is right. False also for a key or a signature that is none. */
export function isSignedBy(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, publicKey]), format: "der", type: "spki" });
    return verify(null, data, key, signature);
  } catch {
    return false;
  }
}

/** @throws when the file cannot be read or made, or holds something else */
function readOrCreate(path: string): Buffer {
  if (readPrivateFile(path) === null) createPrivateFile(path, `${randomBytes(SEED_BYTES).toString("base64")}\n`);
  const seed = Buffer.from((readPrivateFile(path) ?? "").trim(), "base64");
  if (seed.length !== SEED_BYTES) throw new Error("the host key's file holds no key");
  return seed;
}
