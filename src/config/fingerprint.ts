import { createHmac, randomBytes } from "node:crypto";
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

const KEY_BYTES = 32;

/**
 * Names a state of the configuration without giving anything away: a hash under a key that stays on this machine,
 * so that nobody can try passwords against it (the plain hash of a file would let them).
 */
export class Fingerprint {
  private key: Buffer | undefined;

  /** The key is kept in the state directory under upstream's name, so that hashes survive a change of program. */
  constructor(private readonly stateDir: string) {}

  /** `hmac-sha256:v1:` and 43 characters of base64url. */
  of(text: string): string {
    this.key ??= readOrCreateKey(this.stateDir);
    return `hmac-sha256:v1:${createHmac("sha256", this.key).update(text).digest("base64url")}`;
  }
}

function readOrCreateKey(stateDir: string): Buffer {
  const path = join(stateDir, "config-journal-fingerprint.key");
  try {
    return readKey(path) ?? createKey(stateDir, path);
  } catch {
    // A state directory that cannot be written: hashes then hold for the life of this process.
    return randomBytes(KEY_BYTES);
  }
}

function readKey(path: string): Buffer | null {
  try {
    const key = readFileSync(path);
    return key.length >= KEY_BYTES ? key : null;
  } catch {
    return null;
  }
}

/** Two processes may do this at once: the first to link its file wins, both read that one. */
function createKey(stateDir: string, path: string): Buffer {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const key = randomBytes(KEY_BYTES);
  const own = `${path}.${process.pid}.tmp`;
  const fd = openSync(own, "wx", 0o600);
  try {
    writeSync(fd, key);
  } finally {
    closeSync(fd);
  }
  try {
    linkSync(own, path);
    return key;
  } catch (error) {
    const winner = (error as NodeJS.ErrnoException).code === "EEXIST" ? readKey(path) : null;
    if (winner) return winner;
    throw error;
  } finally {
    unlinkSync(own);
  }
}
