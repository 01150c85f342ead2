import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { REMOTE, startProxied } from "./auth/testing.ts";
import { startTestGateway, type TestGateway } from "./testing.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const bearer = () => ({ Authorization: `Bearer ${gateway.token}` });
const get = (path: string, headers: Record<string, string> = {}) => fetch(gateway.httpUrl + path, { headers });
const rpc = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${gateway.httpUrl}/rpc`, {
    method: "POST",
    headers: { ...bearer(), "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

/** Sends bytes over a bare socket and gives all that comes back until the gateway closes. */
function raw(text: string): Promise<string> {
  const { port } = new URL(gateway.httpUrl);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("probes", () => {
  test.each(["/healthz", "/health"])("%s says that the process lives, to everybody", async (path) => {
    const answer = await get(path);
    expect(await answer.json()).toEqual({ ok: true, status: "live" });
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test.each(["/readyz", "/ready"])("%s says that requests are served", async (path) => {
    expect(await (await get(path)).json()).toMatchObject({ ready: true, failing: [] });
  });

  test("/startupz says which version answers", async () => {
    expect(await (await get("/startupz")).json()).toMatchObject({ ok: true, status: "started" });
  });

  test("another machine is told no more than that", async () => {
    const proxied = await startProxied();
    const ask = async (path: string) => (await fetch(proxied.httpUrl + path, { headers: REMOTE })).json();
    expect(await ask("/readyz")).toEqual({ ready: true });
    expect(await ask("/startupz")).toEqual({ ok: true, status: "started" });
    await proxied.stop();
  });

  test("a gateway that stops lives, and is not ready", async () => {
    const ending = await startTestGateway();
    await ending.services.runs.stop();
    const ask = async (path: string) => {
      const answer = await fetch(ending.httpUrl + path);
      return { status: answer.status, body: await answer.json() };
    };
    expect(await ask("/healthz")).toMatchObject({ status: 200, body: { ok: true } });
    expect(await ask("/readyz")).toMatchObject({ status: 503, body: { ready: false, failing: ["gateway-draining"] } });
    expect(await ask("/startup")).toMatchObject({ status: 503, body: { ok: false, status: "draining" } });
    await ending.stop();
  });

  test("a probe takes no other method, and HEAD has no body", async () => {
    const answer = await fetch(`${gateway.httpUrl}/healthz`, { method: "POST" });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
    const head = await fetch(`${gateway.httpUrl}/healthz`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
  });
});

describe("authenticated routes", () => {
  test.each(["/status", "/metrics", "/rpc/methods"])("%s needs the secret", async (path) => {
    expect((await get(path)).status).toBe(401);
    expect((await get(path, { Authorization: "Bearer wrong" })).status).toBe(401);
    expect((await get(path, bearer())).status).toBe(200);
  });

  test("2: a secret in the address is refused, even beside a right header", async () => {
    expect((await get(`/status?token=${gateway.token}`)).status).toBe(401);
    const answer = await get(`/status?token=${gateway.token}`, bearer());
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain(gateway.token);
  });

  test("an unknown path is 404", async () => {
    expect((await get("/nope", bearer())).status).toBe(404);
  });

  test("/status shows what the method shows", async () => {
    const status = await (await get("/status", bearer())).json();
    expect(status).toMatchObject({ pid: process.pid, channelSummary: [], sessions: { byAgent: expect.any(Array) } });
  });

  test("/metrics is Prometheus text", async () => {
    await rpc({ method: "health" });
    const answer = await get("/metrics", bearer());
    expect(answer.headers.get("content-type")).toContain("version=0.0.4");
    const text = await answer.text();
    expect(text).toContain('chela_requests_total{method="health",outcome="ok"}');
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  test("/rpc/methods lists what can be called", async () => {
    const { methods } = (await (await get("/rpc/methods", bearer())).json()) as { methods: { name: string }[] };
    expect(methods.map(({ name }) => name)).toContain("status");
  });
});

describe("POST /rpc", () => {
  test("answers as the socket does", async () => {
    const answer = await rpc({ method: "health", params: {} });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ ok: true, payload: { ok: true, defaultAgentId: "main" } });
  });

  test("refuses an unknown method and wrong params with the socket's errors", async () => {
    const unknown = await rpc({ method: "nope.x" });
    expect(unknown.status).toBe(400);
    expect(await unknown.json()).toEqual({
      ok: false,
      error: { code: "INVALID_REQUEST", message: "unknown method: nope.x" },
    });
    const wrong = await rpc({ method: "set-heartbeats", params: { enabled: "yes" } });
    expect(await wrong.json()).toMatchObject({ error: { code: "INVALID_REQUEST" } });
  });

  test.each(["not json", "[]", "5", "null", '{"method":""}', '{"method":5}'])("refuses the body %s", async (body) => {
    expect((await rpc(body)).status).toBe(400);
  });

  test("refuses other content types, so that a page of another site cannot post here unasked", async () => {
    expect((await rpc({ method: "health" }, { "Content-Type": "text/plain" })).status).toBe(415);
  });

  test("refuses a body above the bound", async () => {
    const answer = await rpc({ method: "health", params: { pad: "x".repeat(1_100_000) } });
    expect(answer.status).toBe(413);
  });

  test("only POST", async () => {
    expect((await get("/rpc", bearer())).status).toBe(405);
  });
});

describe("proxies", () => {
  test.each(["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host"])(
    "%s from a peer that is no trusted proxy is refused",
    async (header) => {
      const answer = await get("/status", { ...bearer(), [header]: "1.2.3.4" });
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ error: { type: "proxy_attribution_required" } });
    },
  );

  test("probes answer behind any proxy", async () => {
    expect((await get("/healthz", { "X-Forwarded-For": "1.2.3.4" })).status).toBe(200);
  });

  test("a trusted proxy may forward", async () => {
    const proxied = await startTestGateway({ config: { gateway: { trustedProxies: ["127.0.0.1"] } as never } });
    const headers = { Authorization: `Bearer ${proxied.token}`, "X-Forwarded-For": "203.0.113.9" };
    expect((await fetch(`${proxied.httpUrl}/status`, { headers })).status).toBe(200);
    await proxied.stop();
  });
});

describe("upgrades", () => {
  const upgrade = (lines: string[]) => raw(["GET / HTTP/1.1", "Host: 127.0.0.1", ...lines, "", ""].join("\r\n"));

  test.each([
    ["no Connection header", ["Upgrade: websocket", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${KEY}`]],
    [
      "a bad key",
      ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"],
    ],
    ["no key", ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]],
    ["another version", ["Connection: Upgrade", "Upgrade: websocket", `Sec-WebSocket-Key: ${KEY}`]],
    ["h2c", ["Connection: Upgrade", "Upgrade: h2c"]],
  ])("111: an upgrade with %s is answered 400 and closed", async (_name, lines) => {
    const answer = await upgrade(lines);
    expect(answer).toStartWith("HTTP/1.1 400");
  });

  test("111: content-length together with chunked is answered 400 and closed", async () => {
    const answer = await raw(
      "POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    expect(answer).toStartWith("HTTP/1.1 400");
  });

  test("111: headers above 16 KiB are answered 431 and closed", async () => {
    const answer = await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Pad: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(answer).toStartWith("HTTP/1.1 431");
  });

  test("any path upgrades, and compression is not negotiated", async () => {
    const { port } = new URL(gateway.httpUrl);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () =>
        socket.write(
          `GET /nope HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
        ),
      );
      socket.once("data", (data) => {
        resolve(data.toString("latin1"));
        socket.destroy();
      });
    });
    expect(answer).toStartWith("HTTP/1.1 101");
    expect(answer.toLowerCase()).not.toContain("sec-websocket-extensions");
  });
});
