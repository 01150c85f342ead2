import { describe, expect, test } from "bun:test";
import { isLoopbackAddress, peerFacts, TrustedProxies } from "./peer.ts";

const none = new TrustedProxies();
const facts = (address: string, headers: Record<string, string>, trusted: string[] = []) =>
  peerFacts(address, new Headers(headers), new TrustedProxies(trusted));

describe("without a proxy", () => {
  test("a loopback peer is local", () => {
    expect(facts("127.0.0.1", {})).toMatchObject({ isLoopback: true, isLocalDirect: true });
    expect(facts("::ffff:127.0.0.1", {})).toMatchObject({ remoteAddress: "127.0.0.1", isLocalDirect: true });
    expect(facts("10.0.0.9", {})).toMatchObject({ isLoopback: false, isLocalDirect: false });
  });

  test.each(["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host"])(
    "%s makes the client unknown",
    (header) => {
      expect(facts("127.0.0.1", { [header]: "127.0.0.1" })).toBeNull();
    },
  );
});

describe("behind a trusted proxy", () => {
  test("the client is the nearest address that is no proxy, whatever stands left of it", () => {
    const peer = facts("10.0.0.1", { "X-Forwarded-For": "127.0.0.1, 203.0.113.7, 10.0.0.2" }, ["10.0.0.0/24"]);
    expect(peer).toMatchObject({ remoteAddress: "203.0.113.7", proxyAddress: "10.0.0.1", isLocalDirect: false });
  });

  test("a client that calls itself loopback is not local", () => {
    const peer = facts("127.0.0.1", { "X-Forwarded-For": "::1" }, ["127.0.0.1"]);
    expect(peer).toMatchObject({ remoteAddress: "::1", isLoopback: false, isLocalDirect: false });
  });

  test("X-Real-IP is believed only where the configuration says so", () => {
    const headers = new Headers({ "X-Real-IP": "203.0.113.7" });
    const proxies = new TrustedProxies(["10.0.0.1"]);
    expect(peerFacts("10.0.0.1", headers, proxies)).toBeNull();
    expect(peerFacts("10.0.0.1", headers, proxies, true)?.remoteAddress).toBe("203.0.113.7");
  });

  test.each(["", "nonsense", "203.0.113.7, nonsense", "10.0.0.2"])("a chain of %j names nobody", (chain) => {
    expect(facts("10.0.0.1", { "X-Forwarded-For": chain }, ["10.0.0.0/24"])).toBeNull();
  });
});

test("entries are addresses or ranges of either family; others are ignored", () => {
  const proxies = new TrustedProxies(["192.0.2.1", "2001:db8::/32", "nonsense", "10.0.0.0/99"]);
  expect(["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::5"].map((a) => proxies.includes(a))).toEqual([true, true, true]);
  expect(["192.0.2.2", "10.0.0.1", "2001:db9::1", ""].map((a) => proxies.includes(a))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(none.includes("127.0.0.1")).toBe(false);
});

test("loopback is 127/8 and ::1 and nothing that looks like it", () => {
  expect(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"].map(isLoopbackAddress)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(["128.0.0.1", "127.0.0.1.evil.example", "::2", ""].map(isLoopbackAddress)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
