import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startToolGateway, type ToolGateway } from "../../agents/testing/tool-gateway.ts";
import { inner, stdio } from "./testing/bench.ts";

let gateway: ToolGateway;
beforeAll(async () => {
  const deny = ["demo__fail"];
  gateway = await startToolGateway({ mcp: { servers: { demo: stdio() } }, tools: { deny } });
});
afterAll(() => gateway.stop());

const call = (name: string, args: object = {}) => gateway.say(`TOOL:${name} ${JSON.stringify(args)}`);

async function result(sessionKey: string) {
  const messages = await gateway.services.sessions.recent(sessionKey, 20);
  const last = messages.findLast(({ role }) => role === "toolResult")!;
  const { text } = (last.content as { text: string }[])[0]!;
  return { text, isError: (last as { isError?: boolean }).isError };
}

// biome-ignore lint/suspicious/noExplicitAny: groups and notices of the answer.
const effective = (sessionKey: string): Promise<any> => gateway.client.call("tools.effective", { sessionKey });
// biome-ignore lint/suspicious/noExplicitAny: groups of the answer.
const mcpGroup = ({ groups }: any) => groups.find(({ id }: { id: string }) => id === "mcp");

describe("tools of MCP servers", () => {
  test("are called by a turn, and what they say is marked as a stranger's", async () => {
    const { sessionKey } = await call("demo__echo", { text: "hi" });
    const { text, isError } = await result(sessionKey);
    expect([inner(text), isError ?? false]).toEqual(["echo: hi", false]);
  });

  test("obey policy, and are nobody's by another name", async () => {
    for (const name of ["demo__fail", "demo__nosuch", "other__echo"]) {
      const { sessionKey } = await call(name);
      expect((await result(sessionKey)).text).toBe(`Tool ${name} not found`);
    }
  });

  test("are shown once a run has found them, and before it is said that none has", async () => {
    await gateway.client.call("sessions.create", { key: "agent:main:fresh" });
    const before = await effective("agent:main:fresh");
    expect(mcpGroup(before)).toBeUndefined();
    expect(before.notices).toMatchObject([{ id: "mcp-not-yet-connected", servers: ["demo"] }]);
    const { sessionKey } = await call("demo__camelCase");
    const after = await effective(sessionKey);
    expect(after.notices).toBeUndefined();
    const { label, source, tools } = mcpGroup(after);
    expect([label, source]).toEqual(["MCP server tools", "mcp"]);
    expect(tools).toContainEqual({
      id: "demo__echo",
      label: "Echo it",
      description: "Says it again",
      rawDescription: "Says it again",
      source: "mcp",
      pluginId: "bundle-mcp",
      mcpServer: "demo",
      mcpToolName: "echo",
    });
    expect(tools.map(({ id }: { id: string }) => id)).not.toContain("demo__fail");
  });

  test("34: are not reached by a plain request", async () => {
    const { sessionKey } = await call("demo__echo", { text: "x" });
    const params = { name: "demo__echo", args: { text: "x" }, sessionKey };
    expect(await gateway.client.call("tools.invoke", params)).toMatchObject({
      ok: false,
      error: { code: "not_found", message: "Tool not available: demo__echo" },
    });
  });
});
