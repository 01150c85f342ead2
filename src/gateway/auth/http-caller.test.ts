import { afterEach, describe, expect, test } from "bun:test";
import { ManualClock } from "../../platform/clock.ts";
import { TestDevice, type TestGateway } from "../testing.ts";
import { from, pairLocally, refusal, startProxied } from "./testing.ts";

const gateways: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop();
});
async function start(...options: Parameters<typeof startProxied>): Promise<TestGateway> {
  const gateway = await startProxied(...options);
  gateways.push(gateway);
  return gateway;
}

/** Calls a method over HTTP: the status, and the payload or the error. */
async function rpc(gateway: TestGateway, method: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.httpUrl}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ method, params: {} }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers of any method
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const MISSING = { status: 403, body: { error: { code: "FORBIDDEN" } } };

describe("with a shared secret", () => {
  test("the bearer is the owner, whatever scopes a header names", async () => {
    const gateway = await start();
    for (const scopes of ["", "operator.read", "nonsense"]) {
      const headers = { ...bearer(gateway.token), "x-openclaw-scopes": scopes };
      const answer = await rpc(gateway, "device.pair.list", headers);
      expect(answer).toMatchObject({ status: 200, body: { payload: { pending: [], paired: [] } } });
    }
  });

  test("scheme names are the same in any case, and other schemes are none", async () => {
    const gateway = await start();
    expect((await rpc(gateway, "health", { authorization: `bearer ${gateway.token}` })).status).toBe(200);
    const basic = Buffer.from(`x:${gateway.token}`).toString("base64");
    for (const authorization of [`Basic ${basic}`, gateway.token, "Bearer", "Bearer ", `Bearer x ${gateway.token}`]) {
      expect((await rpc(gateway, "health", { authorization })).status).toBe(401);
    }
  });

  test("51: a bearer with a foreign origin is served: no page can send it for somebody", async () => {
    const gateway = await start();
    const headers = { ...bearer(gateway.token), origin: "https://evil.example" };
    const answer = await rpc(gateway, "health", headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("15: a device token is worth nothing without its key", async () => {
    const gateway = await start({ auth: { rateLimit: { exemptLoopback: false } } });
    const token = await pairLocally(gateway, new TestDevice());
    expect((await rpc(gateway, "health", bearer(token))).status).toBe(401);
  });

  test("password mode takes the password as bearer", async () => {
    const gateway = await start({
      auth: {
        mode: "password",
        password: "the-password-of-it",
        token: undefined,
        rateLimit: { exemptLoopback: false },
      },
    });
    expect((await rpc(gateway, "health", bearer("the-password-of-it"))).status).toBe(200);
    expect((await rpc(gateway, "health", bearer("another"))).status).toBe(401);
  });

  test("99: guesses are counted with those on the socket, and answered 429 with the seconds to wait", async () => {
    const gateway = await start({}, { clock: new ManualClock() });
    const headers = { ...bearer("wrong"), ...from("203.0.113.9") };
    for (let i = 0; i < 10; i++) expect((await rpc(gateway, "health", headers)).status).toBe(401);
    const locked = await rpc(gateway, "health", { ...bearer(gateway.token), ...from("203.0.113.9") });
    expect(locked.status).toBe(429);
    expect(locked.headers.get("retry-after")).toBe("300");
    expect((await rpc(gateway, "health", from("203.0.113.9"))).status).toBe(401);
    expect((await rpc(gateway, "health", { ...bearer(gateway.token), ...from("203.0.113.10") })).status).toBe(200);
  });
});

describe("without a secret, in mode none", () => {
  const none = { auth: { mode: "none", token: undefined } };

  test("32: this machine may do all, or what it says", async () => {
    const gateway = await start(none);
    expect((await rpc(gateway, "device.pair.list")).status).toBe(200);
    for (const scopes of ["", "operator.read", "nonsense"]) {
      expect(await rpc(gateway, "device.pair.list", { "x-openclaw-scopes": scopes })).toMatchObject(MISSING);
    }
    expect(
      (await rpc(gateway, "device.pair.list", { "x-openclaw-scopes": "operator.read, operator.pairing" })).status,
    ).toBe(200);
  });

  test("51: a page of another origin is refused", async () => {
    const gateway = await start(none);
    for (const origin of ["https://evil.example", "null"]) {
      expect((await rpc(gateway, "health", { origin })).status).toBe(401);
    }
    expect((await rpc(gateway, "health", { origin: "http://localhost:1" })).status).toBe(200);
  });

  test("a page under a name that was rebound to this machine reads nothing", async () => {
    const gateway = await start(none);
    const status = async (path: string, host: string) =>
      (await fetch(`${gateway.httpUrl}${path}`, { headers: { host } })).status;
    for (const path of ["/status", "/metrics", "/rpc/methods"]) {
      expect(await status(path, "rebound.evil.example:18789")).toBe(401);
      expect(await status(path, "localhost.evil.example")).toBe(401);
      for (const host of ["localhost:18789", "127.0.0.1", "[::1]:18789"]) expect(await status(path, host)).toBe(200);
    }
  });

  test("nobody elsewhere may do anything", async () => {
    const gateway = await start(none);
    expect((await rpc(gateway, "health", from("203.0.113.9"))).status).toBe(401);
  });
});

describe("behind a trusted proxy", () => {
  const auth = {
    mode: "trusted-proxy",
    token: undefined,
    password: "password-of-this-machine",
    trustedProxy: { userHeader: "x-auth-user", allowUsers: ["nick@x.org"], allowLoopback: true },
  };
  const proxied = (user: string) => ({ ...from("203.0.113.9"), "x-auth-user": user });

  test("32: the user may do all, or what the proxy says", async () => {
    const gateway = await start({ auth });
    expect((await rpc(gateway, "device.pair.list", proxied("nick@x.org"))).status).toBe(200);
    const narrowed = { ...proxied("nick@x.org"), "x-openclaw-scopes": "operator.read" };
    expect(await rpc(gateway, "device.pair.list", narrowed)).toMatchObject(MISSING);
    expect((await rpc(gateway, "device.pair.list", proxied("mallory@x.org"))).status).toBe(401);
    expect((await rpc(gateway, "device.pair.list", { "x-auth-user": "nick@x.org" })).status).toBe(401);
  });

  test("51: pages must come from an allowed origin", async () => {
    const gateway = await start({ auth, controlUi: { allowedOrigins: ["https://ok.example"] } });
    const headers = proxied("nick@x.org");
    expect((await rpc(gateway, "health", { ...headers, origin: "https://evil.example" })).status).toBe(401);
    expect((await rpc(gateway, "health", { ...headers, origin: "https://ok.example" })).status).toBe(200);
  });

  test("the password is a bearer for this machine alone", async () => {
    const gateway = await start({ auth });
    const headers = bearer("password-of-this-machine");
    expect((await rpc(gateway, "health", headers)).status).toBe(200);
    expect((await rpc(gateway, "health", { ...headers, ...from("203.0.113.9") })).status).toBe(401);
  });
});

test("refused connects are counted by their code", async () => {
  const gateway = await start();
  for (let i = 0; i < 2; i++) await refusal(gateway, { auth: {} });
  const response = await fetch(`${gateway.httpUrl}/metrics`, { headers: bearer(gateway.token) });
  expect(await response.text()).toContain('chela_connects_refused_total{code="DEVICE_IDENTITY_REQUIRED"} 2');
});
