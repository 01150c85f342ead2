import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestGateway, TEST_TOKEN } from "../gateway/testing.ts";
import { Backoff } from "./backoff.ts";
import { type ClientOptions, GatewayClient } from "./client.ts";
import { DeviceTokens } from "./device-tokens.ts";
import { loadOrCreateIdentity } from "./identity.ts";
import { greet, ScriptedGateway } from "./testing.ts";

const WHO: ClientOptions["who"] = {
  client: { id: "gateway-client", mode: "backend", version: "1.0.0", platform: "linux" },
  role: "operator",
  scopes: ["operator.read"],
};
const AT_ONCE = () => new Backoff(() => 0, { minMs: 1, maxMs: 30_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function scripted(answer?: ConstructorParameters<typeof ScriptedGateway>[0]): ScriptedGateway {
  const gateway = new ScriptedGateway(answer);
  ends.push(() => gateway.stop());
  return gateway;
}

function start(options: Pick<ClientOptions, "url"> & Partial<ClientOptions>): GatewayClient {
  const client = new GatewayClient({ who: WHO, backoff: AT_ONCE(), ...options }).start();
  ends.push(() => client.stop());
  return client;
}

function freshDevice(): Pick<ClientOptions, "identity" | "tokens"> {
  const state = mkdtempSync(join(tmpdir(), "chela-client-"));
  ends.push(() => rmSync(state, { recursive: true, force: true }));
  const identity = loadOrCreateIdentity(state, 0);
  return { identity, tokens: new DeviceTokens(state, identity.id) };
}

test("typed calls and events over a real gateway", async () => {
  const gateway = await startTestGateway();
  ends.push(() => gateway.stop());
  const client = start({ url: gateway.url, secret: { token: TEST_TOKEN } });
  const heard = Promise.withResolvers<number>();
  client.api.on("health", ({ ts }) => heard.resolve(ts as number));
  await client.connected();
  const status = await client.api.call("status");
  expect(status.runtimeVersion).toBe(client.hello!.server.version);
  await gateway.services.health.refresh();
  expect(await heard.promise).toBeNumber();
});

describe("a connection that ends", () => {
  test("is made again, and each hello is told", async () => {
    const gateway = scripted();
    const hellos = Promise.withResolvers<void>();
    let count = 0;
    const client = start({ url: gateway.url, onHello: () => ++count === 3 && hellos.resolve() });
    await client.connected();
    gateway.sockets[0]!.close(1012, "service restart");
    while (gateway.sockets.length < 2) await Bun.sleep(1);
    await client.connected();
    gateway.sockets[1]!.terminate();
    await hellos.promise;
    expect(gateway.requests.filter(({ method }) => method === "connect").length).toBe(3);
  });

  test("is waited for as long as the gateway asks", async () => {
    let refused = 0;
    const gateway = scripted((request, reply, socket) => {
      if (refused++ > 0) return greet(request, reply);
      reply.error({
        code: "UNAVAILABLE",
        message: "gateway starting; retry shortly",
        retryable: true,
        retryAfterMs: 7,
      });
      socket.close(1013, "gateway starting");
    });
    const waits: (number | null)[] = [];
    const client = start({ url: gateway.url, onEnd: (_end, wait) => waits.push(wait) });
    await client.connected();
    expect(waits).toEqual([7]);
  });

  test("for good is not made again", async () => {
    const gateway = scripted();
    const client = start({ url: gateway.url });
    await client.connected();
    await client.stop();
    await Bun.sleep(10);
    expect(gateway.sockets.length).toBe(1);
    expect(client.connected()).rejects.toThrow("The client was stopped.");
    expect(client.request("health", {})).rejects.toThrow();
  });

  test("because the secret is wrong is not made again", async () => {
    const gateway = scripted((_request, reply) => {
      reply.error({ code: "INVALID_REQUEST", message: "unauthorized", details: { code: "AUTH_TOKEN_MISMATCH" } });
    });
    const client = start({ url: gateway.url, secret: { token: "x" } });
    expect(client.connected()).rejects.toThrow("unauthorized");
    await client.connected().catch(() => {});
    await Bun.sleep(10);
    expect(gateway.requests.length).toBe(1);
  });
});

test("a gap in the events is told", async () => {
  const gateway = scripted((request, reply) => {
    greet(request, reply);
    for (const seq of [1, 2, 5]) reply.event("tick", { ts: seq }, seq);
  });
  const gap = Promise.withResolvers<[number, number]>();
  start({ url: gateway.url, onGap: (expected, received) => gap.resolve([expected, received]) });
  expect(await gap.promise).toEqual([3, 5]);
});

describe("device tokens", () => {
  const hello = (deviceToken?: string) => ({
    type: "hello-ok",
    protocol: 4,
    auth: { role: "operator", scopes: ["operator.read"], deviceToken, issuedAtMs: 5 },
    policy: {},
  });

  test("given at hello replace the secret the next time", async () => {
    const gateway = scripted((_request, reply) => reply.ok(hello("dt-1")));
    const device = freshDevice();
    await start({ url: gateway.url, secret: { token: "shared" }, ...device }).connected();
    await start({ url: gateway.url, ...device }).connected();
    expect(gateway.requests.map(({ params }) => params.auth)).toEqual([{ token: "shared" }, { deviceToken: "dt-1" }]);
    expect(gateway.requests[1].params.device.id).toBe(device.identity!.id);
  });

  test("that are refused are forgotten", async () => {
    const gateway = scripted((request, reply) => {
      if (request.params.auth.token) return reply.ok(hello("dt-1"));
      reply.error({
        code: "INVALID_REQUEST",
        message: "unauthorized",
        details: { code: "AUTH_DEVICE_TOKEN_MISMATCH" },
      });
    });
    const device = freshDevice();
    await start({ url: gateway.url, secret: { token: "shared" }, ...device }).connected();
    await start({ url: gateway.url, ...device })
      .connected()
      .catch(() => {});
    expect(device.tokens!.find(gateway.url, "operator")).toBeUndefined();
  });

  test("stand in for a wrong secret where the gateway says so", async () => {
    const gateway = scripted((request, reply) => {
      const { token, deviceToken } = request.params.auth;
      if (token === "shared" || deviceToken === "dt-1") return reply.ok(hello("dt-1"));
      const details = { code: "AUTH_TOKEN_MISMATCH", canRetryWithDeviceToken: true };
      reply.error({ code: "INVALID_REQUEST", message: "unauthorized", details });
    });
    const device = freshDevice();
    await start({ url: gateway.url, secret: { token: "shared" }, ...device }).connected();
    await start({ url: gateway.url, secret: { token: "old" }, ...device }).connected();
    expect(gateway.requests.map(({ params }) => params.auth)).toEqual([
      { token: "shared" },
      { token: "old" },
      { deviceToken: "dt-1" },
    ]);
  });
});

describe("waiting between attempts", () => {
  test("doubles from one second to thirty", () => {
    const backoff = new Backoff(() => 0);
    expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    backoff.reset();
    expect(backoff.next()).toBe(1000);
  });

  test("is up to a quarter shorter by chance, and obeys the gateway within bounds", () => {
    const backoff = new Backoff(() => 1);
    expect(backoff.next()).toBe(750);
    expect(backoff.next(500)).toBe(500);
    expect(backoff.next(10 ** 9)).toBe(30000);
    expect(backoff.next(-5)).toBe(0);
  });
});
