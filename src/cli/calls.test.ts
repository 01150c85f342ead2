import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { greet, ScriptedGateway } from "../client/testing.ts";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
import type { Env } from "./command.ts";
import { cli } from "./testing.ts";

let gateway: TestGateway;
let home: string;
let env: Env;

beforeAll(async () => {
  gateway = await startTestGateway();
  home = mkdtempSync(join(tmpdir(), "chela-cli-"));
  env = configure({ port: gateway.gateway.port, auth: { mode: "token", token: gateway.token } });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Writes a config file into a state directory of its own. */
function configure(gatewayConfig: object): Env {
  const stateDir = mkdtempSync(join(home, "state-"));
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify({ gateway: { mode: "local", ...gatewayConfig } }));
  return { HOME: home, OPENCLAW_STATE_DIR: stateDir };
}

const json = async (...words: string[]) => JSON.parse((await cli([...words, "--json"], { env })).out);

describe("gateway call", () => {
  test("prints the answer as it came", async () => {
    const { code, out } = await cli(["gateway", "call", "health"], { env });
    expect(code).toBe(0);
    expect(out).toStartWith("Gateway call: health\n{\n");
    expect(await json("gateway", "call", "health")).toMatchObject({ ok: true, defaultAgentId: "main" });
    expect(await json("gateway", "call", "last-heartbeat")).toBeNull();
  });

  test("an error answer, for people and for scripts", async () => {
    const { code, err } = await cli(["gateway", "call", "nope"], { env });
    expect({ code, err }).toEqual({ code: 1, err: "Gateway call failed: unknown method: nope" });
    expect(await json("gateway", "call", "nope")).toEqual({
      ok: false,
      error: {
        type: "gateway_request_error",
        code: "INVALID_REQUEST",
        message: "unknown method: nope",
        retryable: false,
      },
    });
  });

  test("params that are none are refused before anybody is asked", async () => {
    for (const params of ["{", "[]", "null", "5"]) {
      const { code, err } = await cli(["gateway", "call", "health", "--params", params, "--port", "1"], { env });
      expect(code).toBe(1);
      expect(err).toContain("--params must be");
    }
  });

  test("nobody listens", async () => {
    const { code, err } = await cli(["gateway", "call", "health", "--port", "1"], { env });
    expect(code).toBe(1);
    expect(err).toContain("Gateway call failed: Gateway not reachable at ws://127.0.0.1:1 (ECONNREFUSED).");
    expect(err).toContain("Start it with `chela gateway run`");
    expect(err).toContain("Config: ");
    const failure = await json("gateway", "call", "health", "--port", "1");
    expect(failure).toMatchObject({
      ok: false,
      error: { type: "gateway_transport_error", kind: "closed" },
      gateway: { url: "ws://127.0.0.1:1", urlSource: "cli --port" },
    });
  });

  test("nobody answers in time", async () => {
    const silent = new ScriptedGateway(greet);
    const words = ["gateway", "call", "health", "--url", silent.url, "--token", "x", "--timeout", "30", "--json"];
    const { code, out } = await cli(words, { env });
    expect(code).toBe(1);
    expect(JSON.parse(out).error).toMatchObject({ type: "gateway_transport_error", kind: "timeout", timeoutMs: 30 });
    await silent.stop();
  });

  test("asks for the least scope that the method needs, and for all when it is not known", async () => {
    const server = new ScriptedGateway((request, reply) =>
      request.method === "connect" ? greet(request, reply) : reply.ok({}),
    );
    const scopesOf = async (method: string) => {
      await cli(["gateway", "call", method, "--url", server.url, "--token", "x"], { env });
      return server.requests.at(-2).params.scopes;
    };
    expect(await scopesOf("status")).toEqual(["operator.read"]);
    expect(await scopesOf("device.pair.approve")).toEqual(["operator.pairing", "operator.admin"]);
    expect(await scopesOf("set-heartbeats")).toEqual(["operator.admin"]);
    expect(await scopesOf("some.future.method")).toHaveLength(7);
    expect(server.requests.map(({ params }) => params.device)).toEqual(Array(8).fill(undefined));
    await server.stop();
  });
});

test("a device that must be approved says how, and repeats nothing that would not be a request id", async () => {
  for (const [requestId, told] of [
    ["0c1b-22", true],
    ["x'; rm -rf /", false],
  ] as const) {
    const server = new ScriptedGateway((_request, reply) => {
      const details = { code: "PAIRING_REQUIRED", requestId };
      reply.error({ code: "NOT_PAIRED", message: "pairing required: device is not approved yet", details });
    });
    const { code, err } = await cli(["gateway", "call", "status", "--url", server.url, "--token", "x"], { env });
    expect(code).toBe(1);
    expect(err.includes(`chela gateway call device.pair.approve --params '{"requestId":"${requestId}"}'`)).toBe(told);
    await server.stop();
  }
});

test("--expect-final waits for the second answer", async () => {
  const server = new ScriptedGateway((request, reply) => {
    if (request.method === "connect") return greet(request, reply);
    reply.ok({ status: "accepted" });
    reply.ok({ status: "ok" });
  });
  const words = ["gateway", "call", "agent", "--url", server.url, "--token", "x", "--json"];
  expect(JSON.parse((await cli(words, { env })).out)).toEqual({ status: "accepted" });
  expect(JSON.parse((await cli([...words, "--expect-final"], { env })).out)).toEqual({ status: "ok" });
  await server.stop();
});

describe("health and status", () => {
  test("gateway health says OK", async () => {
    expect((await cli(["gateway", "health"], { env })).out).toMatch(/^Gateway Health\nOK \(\d+ms\)$/);
  });

  test("health shows loop, agents, heartbeats and sessions", async () => {
    const { code, out } = await cli(["health"], { env });
    expect(code).toBe(0);
    expect(out).toContain("Gateway event loop: ");
    expect(out).toContain("Agents: main (default)");
    expect(out).toContain("Session store (main): ");
    expect(await json("health")).toMatchObject({ ok: true });
  });

  test("status shows the gateway", async () => {
    const { code, out } = await cli(["status"], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/Gateway +local · ws:\/\/127\.0\.0\.1:\d+ \(local loopback\) · reachable \d+ms/);
    const deep = await json("status", "--deep");
    expect(deep.gateway).toMatchObject({ mode: "local", reachable: true, urlSource: "local loopback", error: null });
    expect(deep.sessions.byAgent).toBeArray();
    expect(deep.health.ok).toBe(true);
    expect(deep.lastHeartbeat).toBeNull();
  });

  test("a gateway that is down is shown, not an error", async () => {
    const down = configure({ port: 1, auth: { token: "x" } });
    const { code, out } = await cli(["status", "--json"], { env: down });
    expect(code).toBe(0);
    expect(JSON.parse(out).gateway).toMatchObject({ reachable: false, connectLatencyMs: null });
    expect((await cli(["status"], { env: down })).out).toContain("unreachable (Gateway not reachable");
  });

  test("gateway status tests the connection; --require-rpc makes it count", async () => {
    const { code, out } = await cli(["gateway", "status"], { env });
    expect(code).toBe(0);
    expect(out).toContain("Connectivity probe: ok");
    expect(await json("gateway", "status", "--require-rpc")).toMatchObject({
      gateway: { bindMode: "loopback" },
      rpc: { ok: true, kind: "read", auth: { role: "operator", scopes: ["operator.read"] } },
    });
    const down = configure({ port: 1, auth: { token: "x" } });
    expect((await cli(["gateway", "status"], { env: down })).code).toBe(0);
    expect((await cli(["gateway", "status", "--require-rpc"], { env: down })).code).toBe(1);
    expect((await cli(["gateway", "status", "--no-probe", "--json"], { env: down })).out).not.toContain("rpc");
  });

  test("other commands tell only the message of what went wrong", async () => {
    const down = configure({ port: 1, auth: { token: "x" } });
    const { code, out } = await cli(["health", "--json"], { env: down });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      ok: false,
      error: { type: "cli_error", message: expect.stringContaining("not reachable") },
    });
  });
});
