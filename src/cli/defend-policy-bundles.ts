import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bundle, readBundle, STAGES, type Stage, signBundle } from "../defender/bundles/bundle.ts";
import { type SecretKey, SignatureProblem, signatureOf } from "../defender/bundles/minisign.ts";
import { PolicyProblem, parsePolicy } from "../defender/policy/document.ts";
import { EXIT, type Invocation } from "./command.ts";
import { inputText } from "./defend-input.ts";
import { readKeyring, readSecretKey, required } from "./defend-policy-keys.ts";
import { CliFailure } from "./failure.ts";
import { writeJson } from "./io.ts";
import type { Options } from "./options.ts";

const DAY_MS = 86_400_000;

/** `defend policy sign`: a policy file as a signed bundle, with the signature beside it. */
export async function sign({ args, options, io }: Invocation): Promise<number> {
  const [path] = args as [string];
  const stage = (options.text("stage") ?? "full") as Stage;
  if (!STAGES.includes(stage)) throw new CliFailure(`--stage is one of ${STAGES.join(", ")}.`);
  const out = required(options, "out");
  const made = await write(out, path, { stage, audience: audienceOf(options), version: versionOf(options) }, options);
  if (options.flag("json")) writeJson(io, made);
  else io.out(`${out} and ${out}.minisig: version ${made.version}, ${stage}, until ${made.notAfter}.`);
  return EXIT.ok;
}

/**
 * `defend policy stage`: the same policy for a few gateways, then for all, and the one before as a way back, which is a
 * higher version again since no gateway goes back. A signed manifest names them.
 */
export async function stage({ args, options, io }: Invocation): Promise<number> {
  const [path] = args as [string];
  const folder = required(options, "out");
  const version = versionOf(options);
  const previous = options.text("previous");
  mkdirSync(folder, { recursive: true });
  const canaries = required(options, "canary")
    .split(",")
    .map((name) => name.trim());
  const all = audienceOf(options);
  const key = readSecretKey(options);
  const plan = [
    { stage: "canary" as const, source: path, version, audience: canaries },
    { stage: "staged" as const, source: path, version, audience: all },
    ...(previous === undefined
      ? []
      : [{ stage: "rollback" as const, source: previous, version: version + 1, audience: all }]),
  ];
  const artifacts: Record<string, Artifact> = {};
  for (const { source, ...each } of plan) {
    const name = `policy-bundle-${each.stage}.json`;
    artifacts[each.stage] = { ...(await write(join(folder, name), source, each, options, key)), file: name };
  }
  const manifest = { format: "chela-policy-rollout/1", createdAt: new Date().toISOString(), keyId: key.id, artifacts };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const at = join(folder, "policy-rollout.json");
  writeFileSync(at, text);
  writeFileSync(`${at}.minisig`, signatureOf(Buffer.from(text), key, `chela policy rollout version:${version}`));
  if (options.flag("json")) writeJson(io, { manifest: at, ...manifest });
  else
    for (const [name, { file, version }] of Object.entries(artifacts))
      io.out(`${name.padEnd(9)} ${join(folder, file)} (version ${version})`);
  return EXIT.ok;
}

/** `defend policy verify`: whether a gateway with this keyring and name would take a bundle. Exit code 1 when not. */
export async function verify({ args, options, io }: Invocation): Promise<number> {
  const [path] = args as [string];
  const text = inputText({ path });
  const signature = inputText({ path: options.text("signature") ?? `${path}.minisig` });
  const keys = readKeyring(required(options, "keyring"));
  const audience = options.text("audience") ?? "*";
  const result = await checked(() => readBundle(text, signature, { keys, audience, now: Date.now() }));
  if (options.flag("json")) writeJson(io, result);
  else
    io.out(
      result.ok
        ? `Good: version ${result.version}, ${result.stage}, signed by ${result.keyId}.`
        : `Refused: ${result.problem}`,
    );
  return result.ok ? EXIT.ok : EXIT.failed;
}

type Verified =
  | ({ ok: true } & Pick<Bundle, "version" | "stage" | "keyId" | "policyVersion">)
  | { ok: false; problem: string };

async function checked(read: () => Promise<Bundle>): Promise<Verified> {
  try {
    const { version, stage, keyId, policyVersion } = await read();
    return { ok: true, version, stage, keyId, policyVersion };
  } catch (error) {
    if (error instanceof SignatureProblem) return { ok: false, problem: error.message };
    throw error;
  }
}

interface Artifact {
  file: string;
  version: number;
  sha256: string;
  notBefore: string;
  notAfter: string;
  audience: string[];
}

async function write(
  out: string,
  source: string,
  { stage, audience, version }: { stage: Stage; audience: string[]; version: number },
  options: Options,
  key: SecretKey = readSecretKey(options),
): Promise<Artifact> {
  const notBefore = dateOf(options, "not-before") ?? new Date();
  const days = options.integer("days", { min: 1, max: 3650 })!;
  const notAfter = dateOf(options, "not-after") ?? new Date(notBefore.getTime() + days * DAY_MS);
  if (notAfter <= notBefore) throw new CliFailure("The bundle would end before it begins.");
  const dates = { notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() };
  const policy = await policyIn(source);
  const { text, signature } = await signBundle({ version, stage, ...dates, audience, policy }, key);
  writeFileSync(out, text);
  writeFileSync(`${out}.minisig`, signature);
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { file: out, version, sha256, ...dates, audience };
}

async function policyIn(path: string) {
  try {
    return (await parsePolicy(inputText({ path }))).document;
  } catch (error) {
    throw error instanceof PolicyProblem ? new CliFailure(`${path}: ${error.message}`) : error;
  }
}

const audienceOf = (options: Options): string[] =>
  (options.text("audience") ?? "*")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

function versionOf(options: Options): number {
  const version = options.integer("policy-version", { min: 1 });
  if (version === undefined) throw new CliFailure("--policy-version is needed; it grows with each bundle.");
  return version;
}

function dateOf(options: Options, name: string): Date | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new CliFailure(`--${name} is not a date such as 2026-01-31T00:00:00Z.`);
  return date;
}
