import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_DEFAULTS, type GatewayConfig } from "../../../generated/config.ts";
import { ManualClock } from "../../platform/clock.ts";
import { keyringText } from "../bundles/keyring.ts";
import { generateKey, parsePublicKey, parseSecretKey, signatureOf } from "../bundles/minisign.ts";
import { HostKey } from "../records/host-key.ts";
import { Attestor } from "./attestor.ts";
import { Executable } from "./executable.ts";
import { attestationProblems } from "./report.ts";

const NONCE = "nonce-of-the-asker";
const PROGRAM = "a program of a megabyte".repeat(50_000);
const SHA256 = createHash("sha256").update(PROGRAM).digest("hex");

let folder: string;
let clock: ManualClock;
const hostKey = HostKey.fresh();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-attest-"));
  clock = new ManualClock();
  writeFileSync(join(folder, "program"), PROGRAM);
});
afterEach(() => rmSync(folder, { recursive: true }));

function attestor(release?: object): Attestor {
  const defender = { ...CONFIG_DEFAULTS.security.defender, release };
  const current = { ...CONFIG_DEFAULTS, security: { defender } } as unknown as GatewayConfig;
  const inForce = {
    document: { version: 1 as const },
    version: "v7",
    source: { source: "file" as const, version: "v7" },
  };
  return new Attestor({
    config: { current, stateDir: folder, hash: "hmac-sha256:v1:x" },
    policy: { current: async () => inForce },
    hostKey,
    clock,
    version: "1.2.3",
    executable: new Executable(join(folder, "program"), "release"),
  });
}

const expected = (over = {}) => ({ nonce: NONCE, now: clock.now(), maxAgeMs: 60_000, ...over });

test("a report says what runs, under which policy, and stands up to its check", async () => {
  const signed = await attestor().report(NONCE);
  const { facts, problems } = attestationProblems(signed, expected({ hostKey: hostKey.id }));
  expect(problems).toEqual([]);
  expect(facts).toMatchObject({
    executable: { sha256: SHA256, bytes: PROGRAM.length, kind: "release" },
    version: "1.2.3",
    config: "hmac-sha256:v1:x",
    policy: { source: "file", version: "v7" },
  });
});

test("a changed executable shows, also without a restart", async () => {
  const running = attestor();
  await running.report(NONCE);
  writeFileSync(join(folder, "program"), `${PROGRAM}!`);
  expect((await running.report(NONCE)).report.executable.sha256).not.toBe(SHA256);
});

test.each<[string, (signed: { body: string; signature: string; publicKey: string }) => object, object, string]>([
  ["a changed report", (signed) => ({ body: signed.body.replace("1.2.3", "1.2.4") }), {}, "signature does not belong"],
  ["another key's signature", () => ({ publicKey: HostKey.fresh().publicKey }), {}, "signature does not belong"],
  ["another host", () => ({}), { hostKey: HostKey.fresh().publicKey }, "not with the expected one"],
  ["an old nonce", () => ({}), { nonce: "another" }, "another nonce"],
  ["a report from yesterday", () => ({}), { now: 1_700_000_000_000 + 86_400_000 }, "too old"],
  ["nothing signed at all", () => ({ body: "", signature: "", publicKey: "" }), {}, "signature does not belong"],
])("refuses %s", async (_name, change, over, said) => {
  const signed = await attestor().report(NONCE);
  const { problems } = attestationProblems({ ...signed, ...change(signed) }, expected(over));
  expect(problems.join(" ")).toContain(said);
});

test("a report that somebody else wrote and signed names a host that he is not", async () => {
  const thief = HostKey.fresh();
  const { body } = await attestor().report(NONCE);
  const forged = { body, signature: thief.sign(Buffer.from(body)), publicKey: thief.publicKey };
  expect(attestationProblems(forged, expected()).problems).toEqual([
    "The report names another host key than the one that signed it.",
  ]);
});

test("the executable is held against the signed manifest of a release", async () => {
  const { publicFile, secretFile } = generateKey();
  const text = publicFile.trim().split("\n")[1]!;
  writeFileSync(join(folder, "ring.yaml"), keyringText([{ ...parsePublicKey(publicFile), text, isRevoked: false }]));
  const release = { manifest: "release.json", keyring: "ring.yaml" };
  const put = (sha256: string, version = "1.2.3") => {
    const artifacts = [{ name: "chela-linux-x64", sha256, bytes: PROGRAM.length }];
    const manifest = JSON.stringify({ format: "chela-release/1", version, artifacts });
    writeFileSync(join(folder, "release.json"), manifest);
    const signature = signatureOf(Buffer.from(manifest), parseSecretKey(secretFile), "release");
    writeFileSync(join(folder, "release.json.minisig"), signature);
    return { format: "chela-release/1" as const, version, artifacts };
  };
  const manifest = put(SHA256);
  const good = await attestor(release).report(NONCE);
  expect(good.report.release).toEqual({ ok: true, version: "1.2.3" });
  expect(attestationProblems(good, expected({ manifest })).problems).toEqual([]);

  put("0".repeat(64));
  const strange = await attestor(release).report(NONCE);
  expect(strange.report.release).toMatchObject({ ok: false, problem: expect.stringContaining("none of those") });
  expect(attestationProblems(strange, expected()).problems).toHaveLength(1);
  put(SHA256, "9.9.9");
  expect((await attestor(release).report(NONCE)).report.release?.ok).toBe(false);
  writeFileSync(join(folder, "release.json"), JSON.stringify(manifest));
  expect((await attestor(release).report(NONCE)).report.release?.problem).toContain("does not belong");
  expect((await attestor({ manifest: "gone.json" }).report(NONCE)).report.release?.ok).toBe(false);
});
