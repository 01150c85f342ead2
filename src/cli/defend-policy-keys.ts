import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { keyringText, parseKeyring, type RingKey, rotated } from "../defender/bundles/keyring.ts";
import {
  generateKey,
  parsePublicKey,
  parseSecretKey,
  type SecretKey,
  SignatureProblem,
} from "../defender/bundles/minisign.ts";
import { createPrivateFile, writePrivateFile } from "../platform/private-file.ts";
import { EXIT, type Invocation } from "./command.ts";
import { inputText } from "./defend-input.ts";
import { CliFailure } from "./failure.ts";
import { writeJson } from "./io.ts";
import type { Options } from "./options.ts";

const DAY_MS = 86_400_000;

/** `defend policy keygen`: a pair of keys in the files of minisign, and a keyring in which the public one may sign. */
export async function keygen({ args, options, io }: Invocation): Promise<number> {
  const [name] = args as [string];
  const made = makeKey(name, options);
  const ring = options.text("keyring");
  if (ring !== undefined) {
    const before = existsSync(ring) ? readKeyring(ring) : [];
    writePrivateFile(ring, keyringText([...before, asRingKey(made.publicFile)]));
  }
  const facts = { keyId: made.id, publicKey: `${name}.pub`, secretKey: `${name}.key`, ...(ring && { keyring: ring }) };
  if (options.flag("json")) writeJson(io, facts);
  else io.out(`Key ${made.id}: ${name}.key signs, ${name}.pub is for those who check.`);
  return EXIT.ok;
}

/** `defend policy rotate`: a new key enters the keyring, and the old ones end after an overlap. */
export async function rotate({ args, options, io }: Invocation): Promise<number> {
  const [name] = args as [string];
  const path = required(options, "keyring");
  const before = readKeyring(path);
  const overlapMs = options.integer("overlap-days", { min: 0, max: 3650 })! * DAY_MS;
  const made = makeKey(name, options);
  const now = Date.now();
  const keys = told(() => rotated(before, asRingKey(made.publicFile), now, overlapMs));
  writePrivateFile(path, keyringText(keys));
  const until = new Date(now + overlapMs).toISOString();
  const retiring = before.filter(({ isRevoked }) => !isRevoked).map(({ id }) => id);
  if (options.flag("json")) writeJson(io, { keyId: made.id, keyring: path, retiring, until });
  else {
    io.out(`Key ${made.id} signs from now on; ${retiring.join(", ") || "no other key"} may until ${until}.`);
    io.out("Sign what is in force anew before that day, and bring the keyring to every gateway.");
  }
  return EXIT.ok;
}

function makeKey(name: string, options: Options): ReturnType<typeof generateKey> {
  const made = generateKey(passphraseOf(options));
  if (existsSync(`${name}.pub`)) throw new CliFailure(`${name}.pub is there already.`);
  if (!createPrivateFile(`${name}.key`, made.secretFile)) throw new CliFailure(`${name}.key is there already.`);
  writeFileSync(`${name}.pub`, made.publicFile);
  return made;
}

function asRingKey(publicFile: string): RingKey {
  const text = publicFile.trim().split("\n").at(-1)!;
  return { ...parsePublicKey(text), text, isRevoked: false };
}

/** @throws CliFailure */
export function readKeyring(path: string): RingKey[] {
  const text = inputText({ path });
  return told(() => parseKeyring(text));
}

/** @throws CliFailure */
export function readSecretKey(options: Options): SecretKey {
  const text = inputText({ path: required(options, "key") });
  return told(() => parseSecretKey(text, passphraseOf(options)));
}

/** A file's first line, so that the words themselves never stand on a command line. */
function passphraseOf(options: Options): string | undefined {
  const path = options.text("passphrase-file");
  if (path === undefined) return undefined;
  const [line = ""] = readFileSync(path, "utf8").split(/\r?\n/);
  if (line === "") throw new CliFailure(`${path} holds no passphrase.`);
  return line;
}

export function required(options: Options, name: string): string {
  const value = options.text(name);
  if (value === undefined || value === "") throw new CliFailure(`--${name} is needed.`);
  return value;
}

/** @throws CliFailure in the words of a key or signature that is not right */
export function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SignatureProblem ? new CliFailure(error.message) : error;
  }
}
