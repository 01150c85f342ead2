import { afterAll, beforeAll, expect, test } from "bun:test";
import { chatEnd, freshKey, transcript } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, steps, type ToolGateway, useTool, waitingTool } from "../../agents/testing/tool-gateway.ts";

let gateway: ToolGateway;
const waiting = waitingTool("probe_wait");
const holding = waitingTool("probe_hold");
beforeAll(async () => {
  gateway = await startToolGateway({}, [waiting.tool, holding.tool]);
});
afterAll(() => gateway.stop());

const session = (): { sessionKey: string; use(name: string, args: object): ReturnType<typeof useTool> } => {
  const { sessionKey } = freshKey();
  return { sessionKey, use: (name, args) => useTool(gateway, name, args, { sessionKey }) };
};

test("agents_wait brings the results of subagents that collect, and nobody else is told of them", async () => {
  const { sessionKey, use } = session();
  const { runId, note } = await use("sessions_spawn", { task: "count the sheep", label: "sheep", collect: true });
  expect(note).toContain("agents_wait");
  const waited = await use("agents_wait", { ids: [runId, "nobody"], timeoutSeconds: 10 });
  expect(waited.completed).toMatchObject([{ runId, label: "sheep", status: "ok" }]);
  expect(waited.completed[0].result).toContain("echo: ");
  expect(waited).toMatchObject({ pending: [], errors: [{ runId: "nobody", error: "not_found" }], success: false });
  const said = (await transcript(gateway, sessionKey)).join("\n");
  expect(said).not.toContain("[Subagent ended]");
  expect((await gateway.services.subagents.list(sessionKey))[0]!.announcedAt).not.toBeNull();
});

test("agents_wait knows only the tasks of its own session, and those that collect", async () => {
  const { runId } = await session().use("sessions_spawn", { task: "one", collect: true });
  expect((await session().use("agents_wait", { ids: [runId], timeoutSeconds: 0 })).errors).toHaveLength(1);
  const { use } = session();
  const told = await use("sessions_spawn", { task: "TOOL:probe_hold {}" });
  expect((await use("agents_wait", { ids: [told.runId], timeoutSeconds: 0 })).errors).toHaveLength(1);
  expect((await use("agents_wait", { ids: [] })).error).toContain("at least one");
});

test("sessions_yield ends the turn without another word, and the result of the subagent begins the next", async () => {
  const { sessionKey, id } = freshKey();
  const task = "TOOL:probe_wait {}";
  const message = steps(
    [{ name: "sessions_spawn", args: { task, label: "slow" } }],
    [{ name: "sessions_yield", args: { message: "then write the report" } }],
    [{ name: "probe_say", args: { text: "never" } }],
  );
  const before = gateway.made.length;
  await gateway.client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
  const { payload } = await chatEnd(gateway.client, id("a"));
  expect(payload.state).toBe("final");
  expect(gateway.made.slice(before).filter((call) => call.startsWith("probe_say"))).toEqual([]);
  await waiting.begun;
  waiting.letGo("the sheep are counted");
  const next = await gateway.client.event(
    "chat",
    (each) => each.sessionKey === sessionKey && each.runId !== id("a") && each.state === "final",
    0,
  );
  expect(next.payload.state).toBe("final");
  const asked = gateway.model.calls
    .map(({ body }) => JSON.stringify(body.messages))
    .filter((text) => text.includes("[Subagent ended] slow"));
  expect(asked[0]).toContain("then write the report");
});

test("sessions_yield is refused where nothing is waited for, and outside of turns", async () => {
  const { sessionKey, use } = session();
  expect((await use("sessions_yield", {})).error).toContain("No subagent of this session is at work");
  const invoked = await gateway.client.call("tools.invoke", { name: "sessions_yield", args: {}, sessionKey });
  expect(JSON.stringify(invoked)).toContain("Yield not supported in this context");
});
