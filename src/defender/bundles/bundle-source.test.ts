import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_DEFAULTS, type GatewayConfig } from "../../../generated/config.ts";
import { ManualClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { Settings } from "../../store/settings.ts";
import { Store } from "../../store/store.ts";
import { type BundleBody, signBundle } from "./bundle.ts";
import { BundleSource } from "./bundle-source.ts";
import { keyringText } from "./keyring.ts";
import { generateKey, parsePublicKey, parseSecretKey } from "./minisign.ts";

const { publicFile, secretFile } = generateKey();
const SECRET = parseSecretKey(secretFile);
const DAY = 86_400_000;
const iso = (time: number) => new Date(time).toISOString();

let folder: string;
let store: Store;
let clock: ManualClock;
let time: number;
const settings = { file: "bundle.json", keyring: "ring.yaml", audience: "gate-a" };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-bundle-"));
  mkdirSync(folder, { recursive: true });
  store = Store.open(join(folder, "db.sqlite"));
  clock = new ManualClock();
  time = 0;
  const text = publicFile.trim().split("\n")[1]!;
  writeFileSync(join(folder, "ring.yaml"), keyringText([{ ...parsePublicKey(publicFile), text, isRevoked: false }]));
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function source(bundle: object = settings): BundleSource {
  const defender = { ...CONFIG_DEFAULTS.security.defender, bundle };
  const current = { ...CONFIG_DEFAULTS, security: { defender } } as unknown as GatewayConfig;
  const config = { current, stateDir: folder };
  return new BundleSource({
    config,
    settings: new Settings(store, clock),
    clock,
    log: silentLogger,
    now: () => (time += 1000),
  });
}

async function put(version: number, over: Partial<BundleBody> = {}): Promise<string> {
  const body = {
    version,
    stage: "full" as const,
    notBefore: iso(clock.now() - DAY),
    notAfter: iso(clock.now() + 10 * DAY),
    audience: ["*"],
    policy: { version: 1 as const, thresholds: { review: version } },
    ...over,
  };
  const { text, signature } = await signBundle(body, SECRET);
  writeFileSync(join(folder, "bundle.json"), text);
  writeFileSync(join(folder, "bundle.json.minisig"), signature);
  return text;
}

const review = async (bundles: BundleSource) => (await bundles.current())?.document.thresholds?.review;
const problem = async (bundles: BundleSource) => (await bundles.current())?.source.problem;

test("without a bundle in the configuration there is none", async () => {
  expect(await source({}).current()).toBeNull();
});

test("a bundle is in force, and a newer one when it comes", async () => {
  const bundles = source();
  await put(3);
  expect(await bundles.current()).toMatchObject({
    source: { source: "bundle", bundle: { version: 3, stage: "full" } },
  });
  await put(4);
  expect(await review(bundles)).toBe(4);
});

test("an older version is refused, also after a restart, and also when the newer one is gone", async () => {
  await put(5);
  expect(await review(source())).toBe(5);
  await put(4);
  const restarted = source();
  expect(await review(restarted)).toBe(5);
  expect(await problem(restarted)).toBe("The bundle has version 4, and version 5 was in force.");
  unlinkSync(join(folder, "bundle.json"));
  expect(await review(restarted)).toBe(5);
  expect(await problem(restarted)).toBe("The bundle is not there.");
});

test("the same version is the same with the same policy alone", async () => {
  const bundles = source();
  await put(5, { stage: "canary" });
  expect(await review(bundles)).toBe(5);
  await put(5, { stage: "staged" });
  expect(await bundles.current()).toMatchObject({ source: { bundle: { stage: "staged" } } });
  await put(5, { policy: { version: 1, thresholds: { review: 99 } } });
  expect(await review(bundles)).toBe(5);
  expect(await problem(bundles)).toContain("was in force");
});

test("a tampered bundle and one of an unknown key leave the last good one in force", async () => {
  const bundles = source();
  const text = await put(3);
  await bundles.current();
  writeFileSync(join(folder, "bundle.json"), text.replace('"review": 3', '"review": 1'));
  expect(await review(bundles)).toBe(3);
  expect(await problem(bundles)).toContain("does not belong");
  const other = generateKey();
  const theirs = parseSecretKey(other.secretFile);
  const dates = { notBefore: iso(clock.now() - 1), notAfter: iso(clock.now() + DAY) };
  const signed = await signBundle(
    { version: 9, stage: "full", audience: ["*"], policy: { version: 1 }, ...dates },
    theirs,
  );
  writeFileSync(join(folder, "bundle.json"), signed.text);
  writeFileSync(join(folder, "bundle.json.minisig"), signed.signature);
  expect(await review(bundles)).toBe(3);
  expect(await problem(bundles)).toContain(`unknown key ${other.id}`);
});

test("one that was never good leads to the strict profile", async () => {
  await put(3, { audience: ["gate-b"] });
  const inForce = await source().current();
  expect(inForce).toMatchObject({ document: { profile: "strict" }, source: { source: "fallback" } });
  expect(inForce?.source.problem).toContain("not meant for this gateway");
});

test("when its time is over, the strict profile holds at once", async () => {
  const bundles = source();
  await put(3, { notAfter: iso(clock.now() + 1000) });
  expect(await review(bundles)).toBe(3);
  clock.advance(1001);
  expect((await bundles.current())?.document.profile).toBe("strict");
  expect(await problem(bundles)).toBe("The bundle has expired.");
});

test("what a revoked key signed is no longer in force", async () => {
  const bundles = source();
  await put(3);
  expect(await review(bundles)).toBe(3);
  const text = publicFile.trim().split("\n")[1]!;
  writeFileSync(join(folder, "ring.yaml"), keyringText([{ ...parsePublicKey(publicFile), text, isRevoked: true }]));
  expect((await bundles.current())?.source).toMatchObject({ source: "fallback" });
});

test("a bundle with a shared key counts only where it is allowed", async () => {
  const unsigned = { version: 1, policy: { reviewThreshold: 20, blockThreshold: 60 } };
  const { stableJson } = await import("../../platform/json.ts");
  const { createHmac } = await import("node:crypto");
  const signature = createHmac("sha256", "shared").update(stableJson(unsigned)).digest("hex");
  writeFileSync(join(folder, "bundle.json"), JSON.stringify({ ...unsigned, signature }));
  expect(await problem(source())).toBe("Bundles with a shared key are not allowed here.");
  const allowed = source({ ...settings, allowHmac: true, hmacKeys: { default: "shared" } });
  expect(await review(allowed)).toBe(20);
});
