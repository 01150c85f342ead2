import { afterEach, describe, expect, test } from "bun:test";
import { ManualClock } from "../../platform/clock.ts";
import type { PeerFacts } from "../peer.ts";
import { TestDevice, type TestGateway } from "../testing.ts";
import { AuthRateLimiter, type CredentialClass } from "./rate-limit.ts";
import { authOf, CLI, from, pairLocally, refusal, startProxied } from "./testing.ts";

const LIMITED = {
  code: "INVALID_REQUEST",
  message: "unauthorized: too many failed authentication attempts (retry later)",
  details: {
    code: "AUTH_RATE_LIMITED",
    authReason: "rate_limited",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "wait_then_retry",
  },
  retryable: true,
  retryAfterMs: 300_000,
};
const WRONG = { client: CLI, auth: { token: "wrong" } };

const gateways: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop();
});
async function start(clock = new ManualClock()): Promise<{ gateway: TestGateway; clock: ManualClock }> {
  const gateway = await startProxied({}, { clock });
  gateways.push(gateway);
  return { gateway, clock };
}

async function guess(gateway: TestGateway, times: number, spec: Parameters<typeof refusal>[1]): Promise<void> {
  for (let i = 0; i < times; i++) {
    expect((await refusal(gateway, spec)).error.details?.code).not.toBe("AUTH_RATE_LIMITED");
  }
}

describe("115: guessing from elsewhere", () => {
  test("locks the address out after ten wrong secrets, also with the right one, for five minutes", async () => {
    const { gateway, clock } = await start();
    const headers = from("203.0.113.50");
    await guess(gateway, 10, { ...WRONG, headers });
    expect(await refusal(gateway, { ...WRONG, headers })).toEqual({
      error: LIMITED,
      close: { code: 1008, reason: LIMITED.message },
    });
    expect((await refusal(gateway, { client: CLI, headers })).error).toEqual(LIMITED);
    const mapped = { client: CLI, headers: from("::ffff:203.0.113.50") };
    expect((await refusal(gateway, mapped)).error).toEqual(LIMITED);
    clock.advance(299_999);
    expect((await refusal(gateway, { client: CLI, headers })).error.retryAfterMs).toBe(1);
    clock.advance(1);
    expect((await authOf(gateway, { client: CLI, headers })).method).toBe("token");
  });

  test("does not touch other addresses, this machine, other kinds of credentials, or those who show none", async () => {
    const { gateway } = await start();
    const headers = from("203.0.113.50");
    const identity = new TestDevice();
    const deviceToken = await pairLocally(gateway, identity);
    await guess(gateway, 10, { ...WRONG, headers });
    expect((await authOf(gateway, { client: CLI, headers: from("203.0.113.51") })).method).toBe("token");
    expect((await authOf(gateway, { client: CLI })).method).toBe("token");
    for (const auth of [{ deviceToken }, { token: deviceToken }]) {
      expect((await authOf(gateway, { client: CLI, identity, auth, headers })).method).toBe("device-token");
    }
    expect((await refusal(gateway, { client: CLI, auth: {}, headers })).error.code).toBe("NOT_PAIRED");
  });

  test.each([
    ["device tokens", { deviceToken: "bogus" }],
    ["setup codes", { bootstrapToken: "bogus" }],
  ])("%s are counted by themselves", async (_name, auth) => {
    const { gateway } = await start();
    const spec = { client: CLI, identity: new TestDevice(), auth, headers: from("203.0.113.52") };
    await guess(gateway, 10, spec);
    expect((await refusal(gateway, spec)).error).toEqual(LIMITED);
    expect((await authOf(gateway, { client: CLI, headers: spec.headers })).method).toBe("token");
  });

  test("is counted as well when fifty sockets guess at once", async () => {
    const { gateway } = await start();
    const spec = { ...WRONG, headers: from("203.0.113.53") };
    const batch = (size: number) => Promise.all(Array.from({ length: size }, () => refusal(gateway, spec)));
    const answers = [...(await batch(25)), ...(await batch(25))];
    const looked = answers.filter(({ error }) => error.details?.code === "AUTH_TOKEN_MISMATCH");
    expect(looked).toHaveLength(10);
  });

  test("a success clears the failures, and old ones do not count", async () => {
    const { gateway, clock } = await start();
    const headers = from("203.0.113.54");
    await guess(gateway, 9, { ...WRONG, headers });
    await authOf(gateway, { client: CLI, headers });
    await guess(gateway, 9, { ...WRONG, headers });
    clock.advance(60_000);
    await guess(gateway, 9, { ...WRONG, headers });
    expect((await authOf(gateway, { client: CLI, headers })).method).toBe("token");
  });

  test("a device that sends its token where the secret goes is no guesser", async () => {
    const { gateway } = await start();
    const identity = new TestDevice();
    const token = await pairLocally(gateway, identity);
    const headers = from("203.0.113.55");
    for (let i = 0; i < 15; i++) await authOf(gateway, { client: CLI, identity, auth: { token }, headers });
    expect((await authOf(gateway, { client: CLI, headers })).method).toBe("token");
  });
});

test("115: pages of a local browser are locked out by their origin, and only they", async () => {
  const { gateway } = await start();
  const headers = { origin: "http://localhost:777" };
  await guess(gateway, 10, { ...WRONG, headers });
  expect((await refusal(gateway, { client: CLI, headers })).error).toEqual(LIMITED);
  expect((await authOf(gateway, { client: CLI, headers: { origin: "http://localhost:778" } })).method).toBe("token");
  expect((await authOf(gateway, { client: CLI })).method).toBe("token");
});

describe("the limiter", () => {
  const LOCAL: PeerFacts = { remoteAddress: "127.0.0.1", isLoopback: true, isLocalDirect: true };
  const at = (remoteAddress: string): PeerFacts => ({ remoteAddress, isLoopback: false, isLocalDirect: false });
  const kind: CredentialClass = "shared-secret";

  function limiter(more: Partial<{ exemptLoopback: boolean; maxKeys: number; maxAttempts: number }> = {}) {
    const { exemptLoopback = true, maxKeys = 100, maxAttempts = 3 } = more;
    const clock = new ManualClock();
    const settings = () => ({ maxAttempts, windowMs: 60_000, lockoutMs: 300_000, exemptLoopback });
    const options = { clock, settings, maxKeys, localDelayMs: 250, localDelayMaxMs: 5000 };
    return { clock, limiter: new AuthRateLimiter(options) };
  }

  test("115: delays local guesses ever longer instead of locking them out", () => {
    const { limiter: local } = limiter();
    const delays = Array.from({ length: 8 }, () => local.failed(kind, LOCAL));
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
    expect(local.lockedForMs(kind, LOCAL)).toBeNull();
    local.succeeded(kind, LOCAL);
    expect(local.failed(kind, LOCAL)).toBe(250);
  });

  test("locks this machine out as well when told to", () => {
    const { limiter: strict } = limiter({ exemptLoopback: false });
    for (let i = 0; i < 3; i++) expect(strict.failed(kind, LOCAL)).toBe(0);
    expect(strict.lockedForMs(kind, LOCAL)).toBe(300_000);
  });

  test("counts from anew after a lockout", () => {
    const { limiter: one, clock } = limiter();
    for (let i = 0; i < 3; i++) one.failed(kind, at("192.0.2.1"));
    clock.advance(300_000);
    expect(one.lockedForMs(kind, at("192.0.2.1"))).toBeNull();
    one.failed(kind, at("192.0.2.1"));
    expect(one.lockedForMs(kind, at("192.0.2.1"))).toBeNull();
  });

  test("takes one customer's IPv6 network as one address", () => {
    const { limiter: one } = limiter();
    for (const address of ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:DB8:1:2:0:0:0:3"])
      one.failed(kind, at(address));
    expect(one.lockedForMs(kind, at("2001:db8:1:2:a:b:c:d"))).toBe(300_000);
    expect(one.lockedForMs(kind, at("2001:db8:1:3::1"))).toBeNull();
    expect(one.lockedForMs(kind, at("::1"))).toBeNull();
  });

  test("104: remembers a bounded number of addresses", () => {
    const { limiter: small } = limiter({ maxKeys: 10 });
    for (let i = 0; i < 1000; i++) small.failed(kind, at(`192.0.${i >> 8}.${i & 255}`));
    expect(small.size).toBe(10);
  });
});
