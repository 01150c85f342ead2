import { describe, expect, test } from "bun:test";
import { failed, HEALTHY, isDisabled, usableFrom } from "./health.ts";
import { ordered } from "./order.ts";
import { type Credential, ineligible, type Profile, readCredential } from "./profile.ts";

const NOW = 1_800_000_000_000;
const fail = (
  health: typeof HEALTHY,
  reason: "rate_limit" | "billing" | "auth" | "auth_permanent",
  at = NOW,
  retryAfterMs?: number,
) => failed(health, { reason, model: "m", at, retryAfterMs });

describe("an account that fails", () => {
  test("cools down for 30 seconds, a minute, then five minutes each time", () => {
    let health = HEALTHY;
    const waits = [1, 2, 3, 4].map(() => {
      health = fail(health, "auth");
      return usableFrom(health, "m") - NOW;
    });
    expect(waits).toEqual([30_000, 60_000, 300_000, 300_000]);
  });

  test("begins anew a day later", () => {
    const health = fail(fail(HEALTHY, "auth"), "auth");
    const later = NOW + 86_400_001;
    expect(usableFrom(fail(health, "auth", later), "m") - later).toBe(30_000);
  });

  test("for a limit cools down for that model alone, as long as the provider asks for", () => {
    const health = fail(HEALTHY, "rate_limit", NOW, 3_600_000);
    expect(usableFrom(health, "m") - NOW).toBe(3_600_000);
    expect(usableFrom(health, "sibling")).toBe(0);
  });

  test.each(["billing", "auth_permanent"] as const)("for %s is closed for ten minutes, for all models", (reason) => {
    const health = fail(HEALTHY, reason);
    expect(usableFrom(health, "sibling") - NOW).toBe(600_000);
    expect([isDisabled(health, NOW), isDisabled(health, NOW + 600_000)]).toEqual([true, false]);
  });
});

const profile = (id: string, credential: Partial<Credential> = {}): Profile => ({
  id,
  agentId: "",
  provider: "p",
  credential: { type: "api_key", provider: "p", key: "k", ...credential } as Credential,
});
const order = (profiles: Profile[], over: Partial<Parameters<typeof ordered>[1]> = {}) =>
  ordered(profiles, {
    model: "m",
    now: NOW,
    explicit: undefined,
    pinned: undefined,
    health: () => HEALTHY,
    ...over,
  }).map(({ id }) => id);

describe("the order of accounts", () => {
  const key = profile("p:key");
  const token = profile("p:token", { type: "token", token: "t" });
  const oauth = profile("p:oauth", { type: "oauth", access: "a", refresh: "r", expires: NOW + 1 });
  const old = profile("p:a-old", { type: "oauth", access: "a", refresh: "r", expires: NOW - 1, tokenUrl: "https://x" });

  test("is by kind, by whether tokens hold, by who was used least recently", () => {
    expect(order([key, token, old, oauth])).toEqual(["p:oauth", "p:a-old", "p:token", "p:key"]);
    const second = profile("p:key2");
    const used = (id: string) => ({ ...HEALTHY, lastUsed: id === "p:key" ? 9 : 3 });
    expect(order([key, second], { health: ({ id }) => used(id) })).toEqual(["p:key2", "p:key"]);
  });

  test("is what somebody set, without those left out", () => {
    expect(order([key, token, oauth], { explicit: ["p:key", "p:nobody", "p:oauth"] })).toEqual(["p:key", "p:oauth"]);
  });

  test("puts the session's own first, and those that cool down last, the soonest first", () => {
    expect(order([key, token, oauth], { pinned: "p:key" })).toEqual(["p:key", "p:oauth", "p:token"]);
    const until: Record<string, number> = { "p:key": NOW + 9, "p:oauth": NOW + 5 };
    const health = ({ id }: Profile) => ({ ...HEALTHY, cooldownUntil: until[id] ?? 0 });
    expect(order([key, token, oauth], { pinned: "p:key", health })).toEqual(["p:token", "p:oauth", "p:key"]);
  });

  test("leaves out what cannot be used", () => {
    const broken = [
      profile("p:1", { key: undefined }),
      profile("p:2", { key: "line\nbreak" }),
      profile("p:3", { type: "token", token: "t", expires: NOW - 1 }),
      profile("p:4", { type: "token", token: "t", expires: Number.NaN }),
      profile("p:5", { type: "oauth", access: "a", refresh: "r", expires: NOW - 1 }),
    ];
    expect(order(broken)).toEqual([]);
    expect(broken.map(({ credential }) => ineligible(credential, NOW))).toEqual([
      ...["missing_credential", "ineligible_profile", "expired", "invalid_expires", "expired"],
    ] as never);
  });
});

describe("a credential that is given", () => {
  const tokens = { type: "oauth", access: "a", refresh: "r", expires: 5 };
  test.each([
    [{ type: "api_key" }, "needs key"],
    [{ type: "magic", key: "k" }, "type must be"],
    [{ ...tokens, keyRef: { source: "env", id: "K" } }, "secret references"],
    [{ ...tokens, tokenUrl: "http://example.com/token" }, "https"],
    [{ type: "oauth", access: "a", expires: 5 }, "refresh"],
  ])("%j is refused", (raw, words) => {
    expect(readCredential("p", raw as never)).toEqual({ problem: expect.stringContaining(words) });
  });

  test("is kept without what does not belong to it", () => {
    const raw = { type: "token", token: " t ", expires: 5, provider: "q", extra: 1 };
    expect(readCredential("p", raw)).toEqual({ type: "token", provider: "p", token: "t", expires: 5 });
  });
});
