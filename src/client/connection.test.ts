import { afterEach, describe, expect, test } from "bun:test";
import { startTestGateway } from "../gateway/testing.ts";
import { Connection } from "./connection.ts";
import { GatewayRequestError, GatewayTransportError } from "./errors.ts";
import type { Introduction } from "./introduction.ts";
import { greet, ScriptedGateway } from "./testing.ts";

const WHO: Introduction = {
  client: { id: "gateway-client", mode: "backend", version: "1.0.0", platform: "linux" },
  role: "operator",
  scopes: ["operator.read"],
  auth: { token: "test-token-0123456789" },
};

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function scripted(answer?: ConstructorParameters<typeof ScriptedGateway>[0]): ScriptedGateway {
  const gateway = new ScriptedGateway(answer);
  ends.push(() => gateway.stop());
  return gateway;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error("it succeeded"),
    (error) => error,
  );
}

describe("with a real gateway", () => {
  test("says hello, calls, hears events and ends", async () => {
    const gateway = await startTestGateway();
    const events: string[] = [];
    const connection = await Connection.open(gateway.url, WHO, { onEvent: (event) => events.push(event) });
    expect(connection.hello.type).toBe("hello-ok");
    expect(await connection.request("health", {})).toMatchObject({ ok: true });
    const refused = await failure(connection.request("models.list", { view: 5 }));
    expect(refused).toBeInstanceOf(GatewayRequestError);
    expect(refused).toMatchObject({ method: "models.list", code: "INVALID_REQUEST" });
    await gateway.gateway.stop();
    expect(await connection.closed).toMatchObject({ code: 1012, reason: "service restart" });
    expect(events).toContain("shutdown");
    expect(await failure(connection.request("health", {}))).toMatchObject({ kind: "closed" });
    await gateway.stop();
  });

  test("a wrong token is a refusal with the gateway's words and codes", async () => {
    const gateway = await startTestGateway();
    const refused = await failure(Connection.open(gateway.url, { ...WHO, auth: { token: "wrong" } }));
    expect(refused).toBeInstanceOf(GatewayRequestError);
    expect(refused).toMatchObject({ method: "connect", detailCode: "AUTH_TOKEN_MISMATCH" });
    await gateway.stop();
  });
});

describe("what cannot be reached", () => {
  test("a port where nobody listens", async () => {
    const { url, stop } = { url: "ws://127.0.0.1:1", stop: () => {} };
    const error = await failure(Connection.open(url, WHO));
    expect(error).toBeInstanceOf(GatewayTransportError);
    expect(error).toMatchObject({
      kind: "closed",
      message: "Gateway not reachable at ws://127.0.0.1:1 (ECONNREFUSED).",
    });
    stop();
  });

  test("a server that is no gateway", async () => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    ends.push(() => server.stop(true));
    const error = await failure(Connection.open(`ws://127.0.0.1:${server.port}`, WHO));
    expect(error).toMatchObject({ name: "GatewayTransportError", kind: "closed" });
  });

  test("a gateway that does not greet in time", async () => {
    const { url } = scripted(() => {});
    expect(await failure(Connection.open(url, WHO, { timeoutMs: 30 }))).toMatchObject({ kind: "timeout" });
  });

  test("a gateway that breaks off before hello", async () => {
    const { url } = scripted((_request, _reply, socket) => socket.close(1013, "gateway starting"));
    const error = await failure(Connection.open(url, WHO));
    expect(error).toMatchObject({ kind: "closed", facts: { closeCode: 1013, reason: "gateway starting" } });
  });
});

describe("calls", () => {
  const twoPhase = () =>
    scripted((request, reply) => {
      greet(request, reply);
      if (request.method !== "agent") return;
      reply.ok({ status: "accepted", runId: "r" });
      reply.event("agent", { runId: "r" }, 1);
      reply.ok({ status: "ok", runId: "r", result: 42 });
    });

  test("of two answers the first, unless the last is wanted", async () => {
    const connection = await Connection.open(twoPhase().url, WHO);
    expect(await connection.request("agent", {})).toEqual({ status: "accepted", runId: "r" });
    const accepted: unknown[] = [];
    const options = { expectFinal: true, onAccepted: (payload: unknown) => accepted.push(payload) };
    expect(await connection.request("agent", {}, options)).toEqual({ status: "ok", runId: "r", result: 42 });
    expect(accepted).toEqual([{ status: "accepted", runId: "r" }]);
    await connection.close();
  });

  test("an error after the acceptance is an error, with what was sent beside it", async () => {
    const { url } = scripted((request, reply, socket) => {
      greet(request, reply);
      if (request.method !== "agent") return;
      reply.ok({ status: "accepted" });
      const error = { code: "UNAVAILABLE", message: "no model", retryable: true, retryAfterMs: 5 };
      socket.send(JSON.stringify({ type: "res", id: request.id, ok: false, error, payload: { runId: "r" } }));
    });
    const connection = await Connection.open(url, WHO);
    const error = await failure(connection.request("agent", {}, { expectFinal: true }));
    expect(error).toMatchObject({
      code: "UNAVAILABLE",
      message: "no model",
      retryable: true,
      retryAfterMs: 5,
      payload: { runId: "r" },
    });
    await connection.close();
  });

  test("one that nobody answers is given up, and a late answer does no harm", async () => {
    const gateway = scripted();
    const connection = await Connection.open(gateway.url, WHO);
    const error = await failure(connection.request("health", {}, { timeoutMs: 20 }));
    expect(error).toMatchObject({ kind: "timeout", message: "The gateway did not answer health within 20 ms." });
    gateway.sockets[0]!.send(JSON.stringify({ type: "res", id: gateway.requests[1].id, ok: true, payload: {} }));
    gateway.sockets[0]!.send("not a frame");
    gateway.sockets[0]!.send("null");
    expect(await failure(connection.request("health", {}, { timeoutMs: 20 }))).toMatchObject({ kind: "timeout" });
    await connection.close();
  });

  test("those that wait are rejected when the connection ends", async () => {
    const { url } = scripted((request, reply, socket) => {
      greet(request, reply);
      if (request.method === "health") socket.close(1012, "service restart");
    });
    const connection = await Connection.open(url, WHO);
    const error = await failure(connection.request("health", {}, { timeoutMs: null }));
    expect(error).toMatchObject({ kind: "closed", facts: { closeCode: 1012, reason: "service restart" } });
  });
});

test("a gateway that stops ticking is left with 4000", async () => {
  const { url } = scripted((request, reply) => greet(request, reply, undefined, 20));
  const connection = await Connection.open(url, WHO);
  expect(await connection.closed).toMatchObject({ code: 4000 });
});

test("connect speaks version 4 alone unless told, and only asks for what it was given", async () => {
  const gateway = scripted();
  const connection = await Connection.open(gateway.url, WHO);
  const { client, role, scopes, auth } = WHO;
  expect(gateway.requests[0]).toMatchObject({
    type: "req",
    method: "connect",
    params: { minProtocol: 4, maxProtocol: 4, client, role, scopes, caps: [], auth },
  });
  expect(gateway.requests[0].params.device).toBeUndefined();
  await connection.close();
});
