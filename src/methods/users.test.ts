import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectSpec, startTestGateway, TestDevice, type TestGateway } from "../gateway/testing.ts";

/** A person's interface: it has a device, and is no program. */
const person = (scopes?: string[]): ConnectSpec => ({
  identity: new TestDevice(),
  client: { id: "openclaw-tui", mode: "ui", version: "1", platform: "linux" },
  ...(scopes && { scopes }),
});

let gateway: TestGateway;
let stateDir: string;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-users-"));
  gateway = await startTestGateway({ stateDir });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true });
});

test("programs are nobody", async () => {
  const program = await gateway.connect();
  expect((await program.request("users.self", {})).error).toMatchObject({
    code: "FORBIDDEN",
    message: "users.self requires an authenticated user",
  });
  expect((await program.request("users.prefs.get", {})).payload).toEqual({ status: "no_durable_identity" });
  expect((await program.request("users.prefs.set", { entries: { a: 1 } })).payload).toEqual({
    status: "no_durable_identity",
  });
  expect((await program.request("users.listModelAccounts", {})).error.code).toBe("FORBIDDEN");
});

test("everybody with an interface shares the owner's profile, its name and its preferences", async () => {
  const one = await gateway.connect(person());
  const two = await gateway.connect(person());
  const { profile } = (await one.request("users.self", {})).payload;
  expect(profile).toMatchObject({ id: "gateway-owner", displayName: null, emails: [], hasAvatar: false });
  expect((await two.request("users.list", {})).payload).toEqual({ profiles: [profile] });
  const renamed = await one.request("users.setDisplayName", { profileId: "gateway-owner", displayName: " Bo " });
  expect(renamed.payload.profile.displayName).toBe(" Bo ");
  const told = two.event("users.prefs.changed");
  await one.request("users.prefs.set", { entries: { theme: { dark: true }, gone: null } });
  expect((await told).payload).toEqual({ profileId: "gateway-owner", keys: ["theme", "gone"] });
  expect((await two.request("users.prefs.get", { keys: ["theme", "gone"] })).payload).toEqual({
    status: "ok",
    entries: { theme: { dark: true } },
  });
  await one.request("users.prefs.set", { entries: { theme: null } });
  expect((await two.request("users.prefs.get", {})).payload.entries).toEqual({});
});

test("preferences are bounded, and all of a change is kept or none", async () => {
  const one = await gateway.connect(person());
  const entries = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${from + at}`, at]));
  for (let from = 0; from < 120; from += 30) await one.request("users.prefs.set", { entries: entries(from, 30) });
  const { error } = await one.request("users.prefs.set", { entries: entries(120, 9) });
  expect(error).toMatchObject({
    message: "users.prefs.set exceeds the 128-key profile limit (current count: 120)",
    details: { code: "USER_PREFS_LIMIT_EXCEEDED", limit: 128, currentCount: 120 },
  });
  const large = await one.request("users.prefs.set", { entries: { v: "x".repeat(4095) } });
  expect(large.error.message).toBe("invalid users.prefs.set entry for v: value-too-large");
  expect((await one.request("users.prefs.set", { entries: { "": 1 } })).error.message).toBe(
    "invalid users.prefs.set entry for : invalid-key",
  );
  expect(Object.keys((await one.request("users.prefs.get", {})).payload.entries)).toHaveLength(120);
});

test("a name is changed by its owner or an administrator alone", async () => {
  const program = await gateway.connect({ scopes: ["operator.write"] });
  const change = { profileId: "gateway-owner", displayName: "x" };
  expect((await program.request("users.setDisplayName", change)).error.message).toBe(
    "profile edits require the owning user or operator.admin",
  );
  const admin = await gateway.connect();
  const unknown = await admin.request("users.setDisplayName", { ...change, profileId: "p" });
  expect(unknown.error.message).toBe("user profile not found: p");
});

test("profiles last over a restart", async () => {
  await gateway.stop();
  gateway = await startTestGateway({ stateDir });
  const { profiles } = (await (await gateway.connect()).request("users.list", {})).payload;
  expect(profiles[0]).toMatchObject({ id: "gateway-owner", displayName: " Bo " });
});
