import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayConfig } from "../../../generated/config.ts";
import { CONFIG_DEFAULTS } from "../../../generated/config.ts";
import { silentLogger } from "../../platform/logger.ts";
import { PolicyFile } from "./policy-file.ts";

let folder: string;
let time: number;
let file: PolicyFile;
const current = CONFIG_DEFAULTS as unknown as GatewayConfig;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-policy-"));
  time = 0;
  file = new PolicyFile({ config: { current, stateDir: folder }, log: silentLogger, now: () => time });
});
afterEach(() => rmSync(folder, { recursive: true }));

const later = async () => {
  time += 10_000;
  return file.current();
};

test("without a file the configuration counts", async () => {
  expect(await file.current()).toMatchObject({ source: { source: "config" }, document: { version: 1 } });
});

test("a file that comes, changes and goes is followed", async () => {
  await file.current();
  await file.set("version: 1\nprofile: strict\n");
  expect((await file.current()).document.profile).toBe("strict");
  const { version } = file.last;
  writeFileSync(file.path, "version: 1\nprofile: relaxed\n");
  const changed = await later();
  expect(changed.document.profile).toBe("relaxed");
  expect(changed.version).not.toBe(version);
  unlinkSync(file.path);
  expect((await later()).source.source).toBe("config");
});

test("a file that becomes wrong leaves the policy before it in force and says so", async () => {
  await file.set("version: 1\nprofile: relaxed\n");
  writeFileSync(file.path, "version: 1\nprofile: sloppy\n");
  const { document, source } = await later();
  expect(document.profile).toBe("relaxed");
  expect(source.problem).toContain("profile");
  writeFileSync(file.path, "version: 1\nprofile: balanced\n");
  expect((await later()).source.problem).toBeUndefined();
});

test("a file that was wrong from the beginning leads to the strict profile, and not to none", async () => {
  await file.set("version: 1\n");
  writeFileSync(file.path, "thresholds: { review: 0 }");
  const fresh = new PolicyFile({ config: { current, stateDir: folder }, log: silentLogger });
  const { document, source } = await fresh.current();
  expect(document.profile).toBe("strict");
  expect(source).toMatchObject({ source: "fallback" });
  expect(source.problem).toContain("version");
});

test("what is no policy is not written, and what is written is the owner's alone", async () => {
  await file.set("version: 1\nprofile: relaxed\n");
  expect(file.set("profile: 3")).rejects.toThrow("not right");
  expect((await file.current()).document.profile).toBe("relaxed");
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
});

test("the configuration may name another file", async () => {
  const defender = { ...current.security.defender, policyFile: "own.yaml" };
  const config = { current: { ...current, security: { ...current.security, defender } }, stateDir: folder };
  writeFileSync(join(folder, "own.yaml"), "version: 1\nprofile: strict\n");
  const named = new PolicyFile({ config, log: silentLogger });
  expect((await named.current()).document.profile).toBe("strict");
});
