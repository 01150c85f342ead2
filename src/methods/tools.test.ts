import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startToolGateway, type ToolGateway } from "../agents/testing/tool-gateway.ts";

let gateway: ToolGateway;
beforeAll(async () => {
  gateway = await startToolGateway({ gateway: { tools: { deny: ["probe_look"] } } });
});
afterAll(() => gateway.stop());

const post = async (body: unknown, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${gateway.httpUrl}/tools/invoke`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.token}`, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json().catch(() => null)) as Record<string, any> };
};

const SAID = { content: [{ type: "text", text: "said: x" }], details: { length: 1 } };

describe("tools.invoke", () => {
  test("runs a tool that policy grants, through the same checks as a model's calls", async () => {
    const params = { name: "probe_say", args: { text: "x" } };
    expect(await gateway.client.call("tools.invoke", params)).toEqual({
      ok: true,
      toolName: "probe_say",
      output: SAID,
      source: "core",
    });
  });

  test("tells wrong arguments, failures and what is not there in its answer", async () => {
    const invoke = (name: string, args: object) => gateway.client.call("tools.invoke", { name, args });
    const failure = (toolName: string, code: string, message: string) => ({
      ok: false,
      toolName,
      error: { code, message },
    });
    expect(await invoke("probe_say", {})).toEqual(failure("probe_say", "internal_error", "text required"));
    expect(await invoke("probe_fail", {})).toEqual(failure("probe_fail", "internal_error", "there is no such thing"));
    expect(await invoke("probe_break", {})).toEqual(failure("probe_break", "internal_error", "tool execution failed"));
    expect(await invoke("nosuch", {})).toEqual(failure("nosuch", "not_found", "Tool not available: nosuch"));
    expect(await invoke("cron", {})).toEqual(failure("automations", "not_found", "Tool not available: automations"));
  });

  test("34: reaches neither files nor commands nor what is refused by default, by any name", async () => {
    for (const name of [
      "exec",
      "bash",
      "read",
      "write",
      "edit",
      "apply_patch",
      "process",
      "sessions_spawn",
      "gateway",
      "NODES",
    ]) {
      const answer = await gateway.client.call("tools.invoke", { name, args: {} });
      expect(answer).toMatchObject({ ok: false, error: { code: "not_found" } });
    }
    const denied = await gateway.client.call("tools.invoke", { name: "probe_look", args: { text: "x" } });
    expect(denied).toMatchObject({ ok: false, error: { code: "not_found" } });
  });

  test("a caller without operator.write may not", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const { error } = await reader.request("tools.invoke", { name: "probe_say", args: { text: "x" } });
    expect(error.message).toContain("operator.write");
  });
});

describe("POST /tools/invoke", () => {
  test("answers in upstream's form", async () => {
    expect(await post({ tool: "probe_say", args: { text: "x" } })).toEqual({
      status: 200,
      body: { ok: true, result: SAID },
    });
    const failure = (type: string, message: string) => ({ ok: false, error: { type, message } });
    expect(await post({ name: "probe_say", tool: "other" })).toEqual({
      status: 400,
      body: failure("tool_error", "text required"),
    });
    expect(await post({ tool: "nosuch" })).toEqual({
      status: 404,
      body: failure("not_found", "Tool not available: nosuch"),
    });
    expect(await post({})).toEqual({ status: 400, body: failure("invalid_request", "tools.invoke requires name") });
    expect(await post({ tool: "probe_break" })).toEqual({
      status: 500,
      body: failure("tool_error", "tool execution failed"),
    });
    const ghost = { tool: "probe_say", args: { text: "x" }, sessionKey: "main", agentId: "ghost" };
    expect(await post(ghost)).toEqual({ status: 400, body: failure("invalid_request", 'Unknown agent id "ghost"') });
    expect((await post("no json")).status).toBe(400);
  });

  test("wants POST, credentials and JSON", async () => {
    expect((await post({ tool: "probe_say" }, { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await post({ tool: "probe_say" }, { "content-type": "text/plain" })).status).toBe(415);
    expect((await fetch(`${gateway.httpUrl}/tools/invoke`)).status).toBe(405);
  });
});

describe("the lists", () => {
  test("tools.effective names what the session's agent has, by label", async () => {
    await gateway.client.call("sessions.create", { key: "effective" });
    const effective = await gateway.client.call("tools.effective", { sessionKey: "effective" });
    const ids = effective.groups.flatMap(({ tools }: { tools: { id: string }[] }) => tools.map(({ id }) => id));
    expect(ids).toEqual(expect.arrayContaining(["probe_say", "probe_fail"]));
    const labels = effective.groups[0].tools.map(({ label }: { label: string }) => label);
    expect(labels).toEqual([...labels].sort());
  });

  test("tools.catalog names the tools that there are and none that is only planned", async () => {
    const catalogue = await gateway.client.call("tools.catalog");
    const there = new Set(gateway.services.toolRegistry.all().map(({ name }) => name));
    for (const { tools } of catalogue.groups) for (const { id } of tools) expect(there.has(id)).toBe(true);
  });
});
