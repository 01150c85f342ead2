import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway, useTool } from "../../agents/testing/tool-gateway.ts";

let gateway: ToolGateway;
beforeAll(async () => {
  gateway = await startToolGateway();
});
afterAll(() => gateway.stop());

/** Calls tools of one session, one after the other. */
function session(): (name: string, args?: object) => ReturnType<typeof useTool> {
  const { sessionKey } = freshKey();
  return (name, args = {}) => useTool(gateway, name, args, { sessionKey });
}

describe("goals", () => {
  test("are set once, read, and reported on as upstream tells it", async () => {
    const use = session();
    expect(await use("get_goal")).toEqual({ status: "missing" });
    expect((await use("update_goal", { status: "complete" })).error).toBe("no goal to update");
    const { status, goal } = await use("create_goal", { objective: "Ship it", token_budget: 5000 });
    expect(status).toBe("created");
    expect(goal).toMatchObject({ objective: "Ship it", status: "active", tokenBudget: 5000 });
    expect(await use("create_goal", { objective: "Again" })).toEqual({
      ...{ status: "error", tool: "create_goal", error: "goal already exists" },
    });
    const blocked = await use("update_goal", { status: "blocked", note: "waiting" });
    expect(blocked).toMatchObject({ status: "updated", goal: { status: "blocked", lastStatusNote: "waiting" } });
    expect((await use("update_goal", { status: "complete" })).goal.completedAt).toBeNumber();
    expect((await use("get_goal")).goal).toMatchObject({ id: goal.id, status: "complete" });
  });
});

describe("progress_card", () => {
  test("is put, counted and taken away, and people see it", async () => {
    const { sessionKey } = freshKey();
    const use = (args: object) => useTool(gateway, "progress_card", args, { sessionKey });
    const plan = [
      { step: "a", status: "completed" },
      { step: "b", status: "in_progress" },
    ];
    expect((await use({ markdown: "half", plan })).text).toBe("Progress card updated (rev 1, 1/2 done)");
    const { card } = await gateway.client.call("progressCard.get", { sessionKey });
    expect(card).toMatchObject({ markdown: "half", revision: 1 });
    const twice = plan.map(({ step }) => ({ step, status: "in_progress" }));
    expect((await use({ plan: twice })).error).toBe("plan can contain at most one in_progress step");
    expect((await use({})).text).toBe("Progress card cleared");
    expect((await gateway.client.call("progressCard.get", { sessionKey })).card).toBeNull();
  });
});

describe("dashboard", () => {
  test("arranges tabs of its own session", async () => {
    const use = session();
    const read = async () => JSON.parse((await use("dashboard", { action: "read" })).text.split("\n")[1]);
    expect(await read()).toMatchObject({ revision: 0, tabs: [], widgets: [] });
    const made = await use("dashboard", { action: "tab_create", tabId: "plan", title: "Plan" });
    expect(made.text).toStartWith("Dashboard revision 1: 1 tabs, 0 widgets");
    expect((await use("dashboard", { action: "tab_create", title: "X" })).error).toBe("tabId required");
    await use("dashboard", { action: "tab_create", tabId: "next", title: "Next" });
    await use("dashboard", { action: "tabs_reorder", tabIds: ["next", "plan"] });
    await use("dashboard", { action: "tab_update", tabId: "plan", title: "P2" });
    const { tabs } = await read();
    expect(tabs.map(({ tabId, title }: Record<string, string>) => [tabId, title])).toEqual([
      ["next", "Next"],
      ["plan", "P2"],
    ]);
    expect((await use("dashboard", { action: "tab_delete", tabId: "none" })).error).toBe("board tab not found: none");
    expect((await use("dashboard", { action: "widget_put" })).error).toContain("Validation failed");
  });
});

describe("theme", () => {
  test("tells the looks, and changes none for nobody", async () => {
    const use = session();
    const { themes } = await use("theme", { action: "list" });
    expect(themes.map(({ id }: { id: string }) => id)).toContain("tide");
    expect((await use("theme", { action: "get" })).current).toMatchObject({ id: "claw", scope: "gateway" });
    expect((await use("theme", { action: "get", id: "zzz" })).error).toContain("zzz");
    expect((await use("theme", { action: "set" })).error).toBe("set requires id or mode");
    expect((await use("theme", { action: "set", id: "dash" })).error).toContain("authenticated profile");
  });
});

describe("ask_user", () => {
  const question = {
    id: "colour",
    header: "A header longer than twelve",
    question: "Which colour?",
    options: [{ label: "Red (Recommended)" }, { label: "Blue" }],
  };

  test("waits for the answer of a person and gives it to the model", async () => {
    const { sessionKey, id } = freshKey();
    const { client } = gateway;
    const message = `TOOL:ask_user ${JSON.stringify({ questions: [question] })}`;
    await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
    const { payload } = await client.event("question.requested", (each) => each.sessionKey === sessionKey, 0);
    expect(payload.questions[0].header).toHaveLength(12);
    await client.call("question.resolve", { id: payload.id, answers: { answers: { colour: ["Blue"] } } });
    await chatEnd(client, id("a"));
    const [call] = gateway.model.calls.slice(-1);
    expect(JSON.stringify(call!.body.messages!.at(-1))).toContain("Blue");
  });

  test("takes the question back when its run is stopped", async () => {
    const { sessionKey, id } = freshKey();
    const { client } = gateway;
    const message = `TOOL:ask_user ${JSON.stringify({ questions: [question] })}`;
    await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
    const { payload } = await client.event("question.requested", (each) => each.sessionKey === sessionKey, 0);
    await client.call("chat.abort", { sessionKey, runId: id("a") });
    await chatEnd(client, id("a"));
    const { question: ended } = await client.call("question.get", { id: payload.id });
    expect(ended.status).toBe("cancelled");
  });

  test("refuses what is no question", async () => {
    expect((await useTool(gateway, "ask_user", { questions: [] })).error).toContain("Validation failed");
    const one = { questions: [{ ...question, options: [{ label: "Only" }] }] };
    expect((await useTool(gateway, "ask_user", one)).error).toContain("Validation failed");
  });
});

describe("suggest_task and dismiss_task", () => {
  const task = { title: "Tidy the cellar", prompt: "Sort the boxes.", tldr: "The cellar is full." };

  test("offer a task to people, and take back only what this session has offered", async () => {
    const use = session();
    const { task_id: taskId } = await use("suggest_task", task);
    const { suggestions } = await gateway.client.call("taskSuggestions.list", {});
    const offered = suggestions.find(({ id }: { id: string }) => id === taskId);
    expect(offered).toMatchObject({ ...task, cwd: gateway.services.agents.find("main")!.workspace });
    expect(await session()("dismiss_task", { task_id: taskId })).toEqual({ task_id: taskId, dismissed: false });
    expect(await use("dismiss_task", { task_id: taskId })).toEqual({ task_id: taskId, dismissed: true });
    expect((await use("suggest_task", { ...task, cwd: "here" })).error).toBe("cwd must be an absolute path");
  });
});
