import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../../gateway/testing.ts";
import { ableModel } from "../testing/models.ts";
import { type Act, startWireServer, type WireCall } from "../testing/wire-server.ts";

const good: Act = { do: "say", said: { text: "Good day." } };
const refuse = (status: number, message = "no"): Act => ({ do: "refuse", status, message });
let script: (call: WireCall) => Act = () => good;
const server = startWireServer((call) => script(call));
const config = {
  agents: { defaults: { model: { primary: "first/m-1", fallbacks: ["second/m-2", "third/m-3"] } } },
  models: {
    discovery: { enabled: false },
    providers: {
      first: { baseUrl: server.baseUrl("openai-completions"), apiKey: "config-key-1", models: [ableModel("m-1")] },
      second: { baseUrl: server.origin, api: "anthropic-messages", apiKey: "config-key-2", models: [ableModel("m-2")] },
      third: {
        baseUrl: server.baseUrl("google-generative-ai"),
        api: "google-generative-ai",
        apiKey: "config-key-3",
        models: [ableModel("m-3")],
      },
    },
  },
} as never;
let now = Date.parse("2026-11-20T10:00:00Z");
const clock = { now: () => now };
let gateway: TestGateway;
let client: TestClient;
const stateDir = mkdtempSync(join(tmpdir(), "chela-failover-"));
const start = async () => {
  gateway = await startTestGateway({ config, clock, stateDir });
  client = await gateway.connect();
};
await start();
afterAll(async () => {
  await gateway.stop();
  await server.close();
  rmSync(stateDir, { recursive: true });
});
beforeEach(async () => {
  script = () => good;
  now += 86_400_000;
  for (const provider of ["first", "second", "third"]) {
    await client.call("models.authLogout", { provider });
    await client.call("models.authOrderSet", { provider });
  }
});

const put = (profileId: string, credential: object, more: object = {}) =>
  client.call("models.authPut", { profileId, credential, ...more });
const key = (value: string) => ({ type: "api_key", key: value });
/** Two accounts with the first provider, in this order. */
const two = async () => {
  await put("first:a", key("key-a"));
  await put("first:b", key("key-b"));
  await client.call("models.authOrderSet", { provider: "first", profileIds: ["first:a", "first:b"] });
};

let asked = 0;

/** Sends a message; how the run ended, and which keys the server saw meanwhile. */
async function ask(session = freshKey(), message = "hello") {
  const from = server.calls.length;
  const runId = session.id(`r${++asked}`);
  await client.call("chat.send", { sessionKey: session.sessionKey, message, idempotencyKey: runId });
  const { payload } = await chatEnd(client, runId);
  const keys = server.calls.slice(from).map((call) => call.key);
  const steps = client
    .events("agent")
    .filter((frame) => frame.payload.runId === runId && frame.payload.data?.phase === "fallback_step")
    .map(({ payload: { data } }) => [
      data.fallbackStepFromModel,
      data.fallbackStepToModel,
      data.fallbackStepFromFailureReason,
    ]);
  const { session: row } = await client.call("sessions.describe", {
    key: session.sessionKey,
    includeModelAttempts: true,
  });
  const attempts = (row.modelAttempts ?? []).map((each: Record<string, unknown>) => [
    each.profileId ?? each.provider,
    each.reason,
    each.status,
  ]);
  return { state: payload.state, keys, steps, attempts, row };
}

describe("fallback over three providers", () => {
  test("tells every step in the run's events, and every attempt in the session", async () => {
    script = ({ api }) =>
      api === "openai-completions" ? refuse(401) : api === "anthropic-messages" ? refuse(402) : good;
    const { state, keys, steps, attempts, row } = await ask();
    expect(state).toBe("final");
    expect(keys).toEqual(["config-key-1", "config-key-2", "config-key-3"]);
    expect(steps).toEqual([
      ["first/m-1", "second/m-2", "auth"],
      ["second/m-2", "third/m-3", "billing"],
    ]);
    expect(attempts).toEqual([
      ["first", "auth", 401],
      ["second", "billing", 402],
    ]);
    expect(row.model).toBe("m-1");
  });

  test("a run without a failure leaves no attempts", async () => {
    const session = freshKey();
    script = ({ api }) => (api === "openai-completions" ? refuse(401) : good);
    expect((await ask(session)).attempts).toHaveLength(1);
    script = () => good;
    expect((await ask(session)).attempts).toEqual([]);
  });
});

describe("accounts of one provider", () => {
  test.each([
    [401, "auth"],
    [402, "billing"],
    [403, "auth"],
    [408, "timeout"],
  ])("take turns at HTTP %i", async (status, reason) => {
    await two();
    script = (call) => (call.key === "key-a" ? refuse(status) : good);
    const { state, keys, steps, attempts } = await ask();
    expect([state, keys, steps]).toEqual(["final", ["key-a", "key-b"], []]);
    expect(attempts).toEqual([["first:a", reason, status]]);
    expect((await ask()).keys).toEqual(["key-b"]);
  });

  test("that have failed cool down, also over a restart, and come back", async () => {
    await two();
    script = (call) => (call.key === "key-a" ? refuse(401) : good);
    await ask();
    await gateway.stop();
    await start();
    expect((await ask()).keys).toEqual(["key-b"]);
    script = () => good;
    now += 30_001;
    expect((await ask()).keys).toEqual(["key-a"]);
  });

  test("that all cool down are passed over for the next model", async () => {
    await two();
    script = ({ api }) => (api === "openai-completions" ? refuse(401) : good);
    expect((await ask()).keys).toEqual(["key-a", "key-b", "config-key-2"]);
    const again = await ask();
    expect([again.state, again.keys]).toEqual(["final", ["config-key-2"]]);
    expect(again.steps).toEqual([["first/m-1", "second/m-2", "auth"]]);
  });

  test("a malformed request is not tried on another", async () => {
    await two();
    script = ({ api }) => (api === "openai-completions" ? refuse(400, "bad schema") : good);
    expect((await ask()).keys).toEqual(["key-a", "config-key-2"]);
    script = () => good;
    expect((await ask()).keys).toEqual(["key-a"]);
  });

  test("a session stays with the one that answered, and new sessions take turns", async () => {
    await put("first:a", key("key-a"));
    await put("first:b", key("key-b"));
    const session = freshKey();
    const [mine] = (await ask(session)).keys;
    now += 1000;
    const [other] = (await ask()).keys;
    expect([mine, other].toSorted()).toEqual(["key-a", "key-b"]);
    now += 1000;
    expect((await ask(session)).keys).toEqual([mine]);
  });

  test("one that was chosen for a session is preferred, and returns after its cooldown", async () => {
    await two();
    const session = freshKey();
    await ask(session, "/model first/m-1@b -s");
    expect((await ask(session)).keys).toEqual(["key-b"]);
    script = (call) => (call.key === "key-b" ? refuse(401) : good);
    expect((await ask(session)).keys).toEqual(["key-b", "key-a"]);
    script = () => good;
    expect((await ask(session)).keys).toEqual(["key-a"]);
    now += 30_001;
    expect((await ask(session)).keys).toEqual(["key-b"]);
  });

  test("an agent's own replace the shared ones for it alone", async () => {
    await put("first:a", key("shared-key"));
    await put("first:a", key("own-key"), { agentId: "main" });
    expect((await ask()).keys).toEqual(["own-key"]);
    const { removedProfiles } = await client.call("models.authLogout", { provider: "first", profileIds: ["first:a"] });
    expect(removedProfiles).toEqual(["first:a"]);
    expect((await ask()).keys).toEqual(["shared-key"]);
  });

  test("keys by reference to the environment, a missing one is told without its value", async () => {
    await put("first:ref", { type: "api_key", keyRef: { source: "env", id: "NOWHERE_SET_KEY" } });
    const { state, keys, attempts } = await ask();
    expect([state, keys]).toEqual(["final", ["config-key-2"]]);
    expect(attempts).toEqual([["first:ref", "auth", undefined]]);
  });
});
