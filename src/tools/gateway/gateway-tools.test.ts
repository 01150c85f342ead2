import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway } from "../../agents/testing/tool-gateway.ts";
import type { TestClient } from "../../gateway/testing.ts";

let gateway: ToolGateway;
beforeAll(async () => {
  gateway = await startToolGateway();
});
afterAll(() => gateway.stop());

async function use(name: string, args: object, by: TestClient = gateway.client, on = gateway) {
  const { sessionKey, id } = freshKey();
  await by.call("chat.send", { sessionKey, message: `TOOL:${name} ${JSON.stringify(args)}`, idempotencyKey: id("a") });
  await chatEnd(by, id("a"));
  const messages = await on.services.sessions.recent(sessionKey, 100);
  const { text } = (messages.findLast(({ role }) => role === "toolResult")!.content as { text: string }[])[0]!;
  return (text.startsWith("{") ? JSON.parse(text) : { error: text }) as Record<string, any>;
}

describe("gateway", () => {
  test("reads the configuration without its secrets, whole or by path, and what a key means", async () => {
    const whole = await use("gateway", { action: "config.get" });
    expect(whole.valid).toBe(true);
    expect(JSON.stringify(whole)).not.toContain("model-key-0123456789");
    const part = await use("gateway", { action: "config.get", path: "agents.defaults.model.primary" });
    expect(part).toMatchObject({ path: "agents.defaults.model.primary", value: "mock/mock-1" });
    expect((await use("gateway", { action: "config.get", path: "__proto__.polluted" })).error).toContain("Nothing");
    expect((await use("gateway", { action: "config.schema.lookup", path: "tools.profile" })).path).toBe(
      "tools.profile",
    );
  });

  test("43: nothing that it takes writes the configuration", async () => {
    const before = (await gateway.client.call("config.get")).hash;
    const patches = [
      { action: "config.patch", raw: '{"tools":{"exec":{"security":"full"}}}' },
      { action: "config.apply", raw: "{}" },
      { action: "config.set", path: "gateway.auth.mode", value: "none" },
      { action: "restart" },
      { action: "config.get", raw: "{}" },
      { action: "update.run" },
    ];
    for (const args of patches) expect((await use("gateway", args)).error).toContain("Validation failed");
    expect((await gateway.client.call("config.get")).hash).toBe(before);
  });

  test("92: no tool dials an address that the model chose for the gateway", async () => {
    const dialled: string[] = [];
    const canary = Bun.serve({ port: 0, fetch: (request) => (dialled.push(request.url), new Response("x")) });
    const gatewayUrl = `ws://127.0.0.1:${canary.port}`;
    for (const [name, args] of [
      ["gateway", { action: "config.get" }],
      ["automations", { action: "list" }],
    ] as const) {
      const refused = await use(name, { ...args, gatewayUrl, gatewayToken: "x" });
      expect(refused.error).toContain("gatewayUrl: unexpected property");
    }
    for (const name of ["sessions_list", "agents_list", "session_status"]) await use(name, { gatewayUrl });
    expect(dialled).toEqual([]);
    await canary.stop(true);
  });

  test("is not there in a limited profile, nor for those who are not the owner", async () => {
    const limited = await startToolGateway({ tools: { profile: "minimal" } });
    expect((await use("gateway", { action: "config.get" }, limited.client, limited)).error).toBe(
      "Tool gateway not found",
    );
    await limited.stop();
    const wider = await startToolGateway({ tools: { profile: "minimal", alsoAllow: ["gateway"] } });
    expect((await use("gateway", { action: "config.get" }, wider.client, wider)).valid).toBe(true);
    await wider.stop();
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    expect((await use("gateway", { action: "config.get" }, writer)).error).toBe("Tool gateway not found");
    expect((await use("cron", { action: "list" }, writer)).error).toBe("Tool cron not found");
  });
});

describe("automations", () => {
  const remind = {
    schedule: { kind: "at", at: new Date(Date.now() + 86_400_000).toISOString() },
    payload: { kind: "agentTurn", message: "Remind me of the bread." },
  };

  test("a turn that belongs to no job has no next time to wish for", async () => {
    const { error } = await use("automations", { action: "next_check", in: "30m" });
    expect(error).toContain("next_check is for the running turn of a job with pacing");
  });

  test("plans, shows, changes and removes a job of this session", async () => {
    const added = await use("automations", { action: "add", job: remind });
    expect(added).toMatchObject({ name: "Remind me of the bread.", agentId: "main", enabled: true });
    const listed = await use("cron", { action: "list" });
    expect(listed.jobs.map(({ id }: { id: string }) => id)).toContain(added.id);
    const changed = await use("automations", { action: "update", jobId: added.id, job: { name: "Bread" } });
    expect(changed.name).toBe("Bread");
    expect((await use("automations", { action: "runs", jobId: added.id })).entries).toEqual([]);
    expect(await use("automations", { action: "remove", jobId: added.id })).toMatchObject({ removed: true });
    expect((await use("automations", { action: "get", jobId: added.id })).error).toContain("not found");
  });

  test("leaves a note for its own session", async () => {
    expect(await use("automations", { action: "wake", text: "later" })).toEqual({ ok: true });
  });

  test("43: takes no commands, scripts or addresses from a model", async () => {
    const jobs = [
      { ...remind, payload: { kind: "command", argv: ["id"] } },
      { ...remind, payload: { kind: "script", script: "x" } },
      { ...remind, schedule: { kind: "stream", command: ["id"] } },
      { ...remind, delivery: { mode: "webhook", to: "https://evil.example" } },
      { ...remind, trigger: { script: "x" } },
    ];
    for (const job of jobs) {
      expect((await use("automations", { action: "add", job })).error).toContain("Validation failed");
    }
    const { jobs: left } = await use("automations", { action: "list", includeDisabled: true });
    expect(left.map(({ payload }: { payload: { kind: string } }) => payload.kind)).toEqual(["heartbeat"]);
  });
});
