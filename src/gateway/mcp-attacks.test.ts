import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../platform/clock.ts";
import { startTestGateway, type TestClient, type TestGateway } from "./testing.ts";

const clock = new ManualClock();
let gateway: TestGateway;
let admin: TestClient;
let stateDir: string;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-mcp-"));
  gateway = await startTestGateway({ clock, stateDir });
  admin = await gateway.connect();
  for (const name of ["one", "two"]) {
    await admin.call("sessions.create", { key: `agent:main:${name}` });
    await admin.call("chat.inject", { sessionKey: `agent:main:${name}`, message: `said in ${name}` });
  }
});
afterAll(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true });
});

const grant = async (params: object = {}) => (await admin.request("attach.grant", params)).payload;

function post(token: string | null, message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.httpUrl}/mcp`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      ...(token !== null && { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: typeof message === "string" ? message : JSON.stringify(message),
  });
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
const answerOf = async (response: Promise<Response>): Promise<any> => (await response).json();

const rpc = (method: string, params: object = {}) => ({ jsonrpc: "2.0", id: 1, method, params });

async function tool(token: string, name: string, args: object = {}, more: object = {}) {
  const answer = await answerOf(post(token, rpc("tools/call", { name, arguments: args, ...more })));
  return answer.error ?? JSON.parse(answer.result.content[0].text);
}

describe("a grant", () => {
  test("lets a program read the session that it is bound to", async () => {
    const { sessionKey, token, mcpConfig, env, expiresAtMs } = await grant({
      sessionKey: "agent:main:one",
      ttlMs: 60_000,
    });
    expect(sessionKey).toBe("agent:main:one");
    expect(env).toEqual({ OPENCLAW_MCP_TOKEN: token });
    expect(mcpConfig.mcpServers.openclaw.url).toBe(`${gateway.httpUrl}/mcp`);
    expect(JSON.stringify(mcpConfig)).not.toContain(token);
    expect(expiresAtMs).toBe(clock.now() + 60_000);
    const hello = await answerOf(post(token, rpc("initialize", { protocolVersion: "2025-03-26" })));
    expect(hello.result).toMatchObject({ protocolVersion: "2025-03-26", capabilities: { tools: {} } });
    expect((await post(token, { jsonrpc: "2.0", method: "notifications/initialized" })).status).toBe(202);
    const { messages } = await tool(token, "session_history", { limit: 1 });
    expect(JSON.stringify(messages)).toContain("said in one");
    expect((await tool(token, "session_status")).session.key).toBe("agent:main:one");
  });

  test("has upstream's times: an hour unless told, twelve at most", async () => {
    const lasts = async (ttlMs: unknown) => (await grant({ ttlMs })).expiresAtMs - clock.now();
    for (const none of [undefined, 0, -1, "x"]) expect(await lasts(none)).toBe(3_600_000);
    expect(await lasts(999_999_999_999)).toBe(43_200_000);
    expect((await grant({ sessionKey: 7 })).sessionKey).toBe("agent:main:main");
    expect((await admin.request("attach.grant", { sessionKey: "agent::" })).error.message).toBe(
      'malformed session key "agent::"',
    );
  });

  test("ends when it is revoked, and when its time is over", async () => {
    const { token } = await grant();
    expect((await admin.request("attach.revoke", { token })).payload).toEqual({ revoked: true });
    expect((await admin.request("attach.revoke", { token })).payload).toEqual({ revoked: false });
    expect((await post(token, rpc("ping"))).status).toBe(401);
    const brief = await grant({ ttlMs: 1000 });
    expect((await post(brief.token, rpc("ping"))).status).toBe(200);
    clock.advance(1000);
    expect((await post(brief.token, rpc("ping"))).status).toBe(401);
    expect((await admin.request("attach.revoke", { token: brief.token })).payload).toEqual({ revoked: false });
    expect((await admin.request("attach.revoke", {})).error.message).toBe("token is required");
  });

  test("is for administrators to give", async () => {
    const writer = await gateway.connect({ scopes: ["operator.write", "operator.read"] });
    expect((await writer.request("attach.grant", {})).error.code).toBe("FORBIDDEN");
    expect((await writer.request("attach.revoke", { token: "x" })).error.code).toBe("FORBIDDEN");
  });
});

describe("35: an MCP caller is who its grant says, whatever it claims", () => {
  test("no header and no argument makes it the owner or names another session", async () => {
    const { token } = await grant({ sessionKey: "agent:main:one" });
    const headers = {
      "x-openclaw-owner": "true",
      "x-openclaw-session-key": "agent:main:two",
      "x-openclaw-scopes": "operator.admin",
    };
    const args = { sessionKey: "agent:main:two", key: "agent:main:two", agentId: "main" };
    const call = rpc("tools/call", { name: "session_history", arguments: args, sessionKey: "agent:main:two" });
    const text = await (await post(token, call, headers)).text();
    expect(text).toContain("said in one");
    expect(text).not.toContain("said in two");
    expect(await tool(token, "sessions_delete", args)).toMatchObject({ code: -32602 });
  });

  test("the token opens nothing else: no method over HTTP, no socket", async () => {
    const { token } = await grant();
    const call = await fetch(`${gateway.httpUrl}/rpc`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ method: "health" }),
    });
    expect(call.status).toBe(401);
    await expect(gateway.connect({ auth: { token } })).rejects.toThrow("unauthorized");
  });

  test("nobody without a grant is heard: not with the gateway's own secret, nor without any", async () => {
    for (const token of [gateway.token, "0".repeat(64), "", null]) {
      expect((await post(token, rpc("tools/list"))).status).toBe(401);
    }
  });

  test("no page is heard, and nobody behind a proxy", async () => {
    const { token } = await grant();
    expect((await post(token, rpc("ping"), { Origin: "http://evil.example" })).status).toBe(403);
    expect((await post(token, rpc("ping"), { "X-Forwarded-For": "203.0.113.7" })).status).toBe(403);
    expect((await fetch(`${gateway.httpUrl}/mcp`)).status).toBe(405);
  });
});

test("what is no JSON-RPC is refused, and nothing in it is carried out", async () => {
  const { token } = await grant();
  expect((await post(token, "{")).status).toBe(400);
  for (const bad of [[], 7, "x", { method: "ping", id: 1 }, { jsonrpc: "2.0", id: {}, method: "ping" }]) {
    expect((await answerOf(post(token, JSON.stringify(bad)))).error.code).toBe(-32600);
  }
  expect((await answerOf(post(token, rpc("resources/list")))).error.code).toBe(-32601);
});

test("tokens are kept as hashes alone, and grants last over a restart", async () => {
  const { token } = await grant({ sessionKey: "agent:main:two" });
  await gateway.stop();
  for (const file of readdirSync(stateDir)) {
    if (file.startsWith("chela.sqlite")) expect(readFileSync(join(stateDir, file)).includes(token)).toBe(false);
  }
  gateway = await startTestGateway({ clock, stateDir });
  admin = await gateway.connect();
  expect(JSON.stringify(await tool(token, "session_history"))).toContain("said in two");
});
