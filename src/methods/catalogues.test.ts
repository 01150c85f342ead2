import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { nodeSpec, type Payload, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { MOCK_CONFIG } from "../sessions/testing.ts";

let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway({ config: { ...MOCK_CONFIG, tools: { profile: "coding" } as never } });
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

const unknownAgent = { code: "INVALID_REQUEST", message: 'unknown agent id "ghost"' };

describe("commands.list", () => {
  test("lists what the gateway understands, with what may stand behind a command unless told otherwise", async () => {
    const { commands } = await client.call("commands.list");
    const think = commands.find(({ name }: Payload) => name === "think");
    expect(think).toMatchObject({
      source: "native",
      scope: "both",
      acceptsArgs: true,
      textAliases: ["/think", "/thinking", "/t"],
    });
    expect(think.args).toHaveLength(1);
    expect((await client.call("chat.metadata")).commands).toEqual(commands);
    const bare = await client.call("commands.list", { includeArgs: false, scope: "native" });
    expect(bare.commands.map(({ name }: Payload) => name)).toEqual(commands.map(({ name }: Payload) => name));
    expect(bare.commands.some((each: Payload) => "args" in each)).toBe(false);
  });

  test("refuses an agent that is not there", async () => {
    expect((await client.request("commands.list", { agentId: "ghost" })).error).toEqual(unknownAgent);
  });
});

describe("models", () => {
  test("models.authStatus says where each provider's key comes from, and shows none", async () => {
    const status = await client.call("models.authStatus");
    expect(status.providers.find(({ provider }: Payload) => provider === "mock")).toEqual({
      provider: "mock",
      authProvider: "mock",
      displayName: "mock",
      status: "static",
      profiles: [],
      apiKey: { source: "config" },
    });
    const capability = status.providerCapabilities.find(({ provider }: Payload) => provider === "anthropic");
    expect(capability).toEqual({ provider: "anthropic", apiKeySupported: true, quickApiKeySetup: false });
    expect((await client.request("models.authStatus", { agentId: "ghost" })).error).toEqual({
      ...unknownAgent,
      details: { code: "UNKNOWN_AGENT_ID", agentId: "ghost" },
    });
  });

  test("models.authLogout has no sign-in to forget", async () => {
    expect(await client.call("models.authLogout", { provider: "mock" })).toEqual({
      provider: "mock",
      removedProfiles: [],
      abortedRunIds: [],
    });
    expect((await client.request("models.authLogout", {})).error.message).toBe("provider is required");
  });
});

describe("tools", () => {
  test("tools.catalog and tools.effective name the tools that are there", async () => {
    const catalogue = await client.call("tools.catalog");
    expect(catalogue.agentId).toBe("main");
    expect(catalogue.groups[0]).toMatchObject({ id: "fs", label: "Files", source: "core" });
    const files = ["ls", "read", "write", "edit", "apply_patch"];
    expect(catalogue.groups[0].tools.map(({ id }: Payload) => id)).toEqual(files);
    expect(catalogue.profiles.map(({ id }: Payload) => id)).toEqual(["minimal", "coding", "messaging", "full"]);
    await client.call("sessions.create", { key: "main" });
    const effective = await client.call("tools.effective", { sessionKey: "main" });
    expect(effective).toMatchObject({ agentId: "main", profile: "coding" });
    const names = effective.groups.flatMap(({ tools }: Payload) => tools.map(({ id }: Payload) => id));
    expect(names).toEqual(expect.arrayContaining(files));
  });

  test("refuse agents and sessions that are not there", async () => {
    expect((await client.request("tools.catalog", { agentId: "ghost" })).error).toEqual(unknownAgent);
    const params = { sessionKey: "agent:main:ghost" };
    expect((await client.request("tools.effective", { ...params, agentId: "ghost" })).error).toEqual(unknownAgent);
    const { error } = await client.request("tools.effective", params);
    expect(error).toEqual({ code: "INVALID_REQUEST", message: 'unknown session key "agent:main:ghost"' });
  });

  test("tools.invoke tells in its answer that there is no such tool", async () => {
    expect(await client.call("tools.invoke", { name: "exec", args: { command: "id" } })).toEqual({
      ok: false,
      toolName: "exec",
      error: { code: "not_found", message: "Tool not available: exec" },
    });
    const other = await client.call("tools.invoke", { name: "exec", agentId: "ghost" });
    expect(other.error).toEqual({ code: "validation_error", message: 'Unknown agent id "ghost"' });
  });
});

describe("the machine", () => {
  test("system.info is about this process, and says where files lie to administrators alone", async () => {
    const info = await client.call("system.info");
    expect(info).toMatchObject({ pid: process.pid, platform: process.platform, diskPath: gateway.stateDir });
    expect(info.memoryTotalBytes).toBeGreaterThan(info.processMemory.rssBytes);
    expect(info.diskTotalBytes).toBeGreaterThan(0);
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const again = await reader.call("system.info");
    expect(again).not.toHaveProperty("diskPath");
    expect(again.processInstanceId).toBe(info.processInstanceId);
  });

  test("environments.list has the one in which sessions run, and the nodes", async () => {
    const { environments } = await client.call("environments.list");
    expect(environments).toMatchObject([{ id: "gateway", type: "local", status: "available", sessionHost: true }]);
    expect(await client.call("environments.status", { environmentId: "gateway" })).toEqual(environments[0]);
    const node = await gateway.connect(nodeSpec());
    const { nodeId } = (await client.call("node.list")).nodes[0];
    const status = () => client.call("environments.status", { environmentId: `node:${nodeId}` });
    expect(await status()).toMatchObject({ type: "node", status: "available", sessionHost: false });
    node.close();
    await node.ended();
    const { error } = await client.request("environments.status", { environmentId: "x" });
    expect(error).toEqual({ code: "INVALID_REQUEST", message: "unknown environmentId" });
  });

  test("update.status, users.self and doctor.memory.status claim nothing that is not here", async () => {
    expect(await client.call("update.status")).toEqual({
      sentinel: null,
      updateAvailable: null,
      effectiveChannel: "stable",
      schedule: { channel: "stable", autoEnabled: false, install: { kind: "package" } },
    });
    expect((await client.request("users.self")).error).toEqual({
      code: "FORBIDDEN",
      message: "users.self requires an authenticated user",
    });
    expect(await client.call("doctor.memory.status")).toMatchObject({ agentId: "main", embedding: { ok: false } });
  });

  test("diagnostics.lanes counts the runs that wait and are at work", async () => {
    expect(await client.call("diagnostics.lanes", { __unexpected: true })).toEqual({
      ts: expect.any(Number),
      lanes: [
        {
          lane: "main",
          queuedCount: 0,
          activeCount: 0,
          maxConcurrent: 8,
          draining: false,
          generation: 0,
          blockedBy: null,
        },
      ],
      dynamic: null,
    });
  });
});
