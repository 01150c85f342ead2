import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { DefenderAttestResult } from "../../generated/types.ts";
import { readManifest } from "../defender/attest/release-manifest.ts";
import { attestationProblems, type SignedAttestation } from "../defender/attest/report.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { inputText } from "./defend-input.ts";
import { readKeyring, required, told } from "./defend-policy-keys.ts";
import { CliFailure } from "./failure.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";

/** `defend attest`: what the running gateway says of itself, signed for a nonce. */
export async function attest({ options, io, env }: Invocation): Promise<number> {
  const target = await chooseTarget(options, env);
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const nonce = options.text("nonce") ?? randomBytes(16).toString("hex");
  const { report, ...signed } = (await callGateway(
    target,
    "defender.attest",
    { nonce },
    { timeoutMs },
  )) as DefenderAttestResult;
  const out = options.text("out");
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(signed, null, 2)}\n`);
  if (options.flag("json")) writeJson(io, { ...signed, report });
  else {
    io.out(`Nonce       ${report.nonce}`);
    io.out(`Host key    ${report.hostKeyId}`);
    io.out(`Version     ${report.version} (${report.platform})`);
    io.out(
      `Executable  sha256 ${report.executable.sha256}, ${report.executable.bytes} bytes, ${report.executable.kind}`,
    );
    io.out(`Config      ${report.config}`);
    io.out(`Policy      ${report.policy.source} ${report.policy.version}`);
    if (report.release)
      io.out(`Release     ${report.release.ok ? `one of ${report.release.version}` : report.release.problem}`);
  }
  return EXIT.ok;
}

/** `defend verify`: whether a report is what it should be. Needs no gateway. Exit code 1 when something is wrong. */
export async function verify({ args, options, io }: Invocation): Promise<number> {
  const [path] = args as [string];
  const signed = signedReport(inputText(path === "-" ? "-" : { path }));
  const now = Date.now();
  const manifestPath = options.text("manifest");
  const manifest =
    manifestPath === undefined
      ? undefined
      : told(() =>
          readManifest(inputText({ path: manifestPath }), inputText({ path: `${manifestPath}.minisig` }), {
            keys: readKeyring(required(options, "keyring")),
            now,
          }),
        );
  const { facts, problems } = attestationProblems(signed, {
    nonce: required(options, "nonce"),
    now,
    maxAgeMs: options.integer("max-age", { min: 1 })! * 1000,
    hostKey: options.text("host-key"),
    manifest,
  });
  if (options.flag("json")) writeJson(io, { ok: problems.length === 0, problems, report: facts });
  else
    io.out(
      problems.length === 0 ? `Good: ${facts!.version}, executable ${facts!.executable.sha256}.` : problems.join("\n"),
    );
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

/** @throws CliFailure for a file that is no report */
function signedReport(text: string): SignedAttestation {
  let value: Partial<SignedAttestation> | null;
  try {
    value = JSON.parse(text) as Partial<SignedAttestation> | null;
  } catch {
    value = null;
  }
  const { body, signature, publicKey } = value ?? {};
  if (typeof body !== "string" || typeof signature !== "string" || typeof publicKey !== "string") {
    throw new CliFailure("The file holds no report, as defend attest --out writes it.");
  }
  return { body, signature, publicKey };
}

/** Both commands, by the word that picked them. */
export const run = (invocation: Invocation): Promise<number> =>
  invocation.command.path === "defend attest" ? attest(invocation) : verify(invocation);
