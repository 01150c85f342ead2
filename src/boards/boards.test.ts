import { afterAll, beforeAll, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

/** A new session, and a way to change its board that gives what there is then, as `tab@dock`. */
async function board(name: string) {
  const { key } = await client.call("sessions.create", { key: `agent:main:${name}` });
  const update = async (...ops: object[]): Promise<string[]> => {
    const { tabs } = await client.call("board.update", { sessionKey: key, ops });
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
    expect(tabs.map(({ position }: any) => position)).toEqual(tabs.map((_: unknown, place: number) => place));
    // biome-ignore lint/suspicious/noExplicitAny: as above
    return tabs.map(({ tabId, chatDock }: any) => `${tabId}@${chatDock}`);
  };
  const refusal = async (...ops: object[]): Promise<string> =>
    (await client.request("board.update", { sessionKey: key, ops })).error?.message;
  return { key, update, refusal };
}
const create = (tabId: string, more: object = {}) => ({ kind: "tab_create", tabId, title: tabId, ...more });

test("a session has an empty board until it gets tabs", async () => {
  const { key, update } = await board("empty");
  const none = { sessionKey: key, revision: 0, tabs: [], widgets: [] };
  expect(await client.call("board.get", { sessionKey: "empty" })).toEqual(none);
  expect(await client.call("board.update", { sessionKey: key, ops: [] })).toEqual(none);
  await update(create("one"));
  expect((await client.event("board.changed")).payload).toEqual({ sessionKey: key, revision: 1 });
  const tabs = [{ tabId: "one", title: "one", position: 0, chatDock: "right" }];
  expect(await client.call("board.get", { sessionKey: key })).toEqual({ ...none, revision: 1, tabs });
});

test("tabs are added, changed, moved, put in order and taken away", async () => {
  const { update } = await board("tabs");
  expect(await update(create("a"), create("b", { chatDock: "left" }), create("c"))).toEqual([
    "a@right",
    "b@left",
    "c@right",
  ]);
  expect(await update({ kind: "tab_update", tabId: "b", position: 0, chatDock: "hidden" })).toEqual([
    "b@hidden",
    "a@right",
    "c@right",
  ]);
  expect(await update({ kind: "tab_update", tabId: "b", position: 99 })).toEqual(["a@right", "c@right", "b@hidden"]);
  expect(await update({ kind: "tabs_reorder", tabIds: ["c", "b", "a"] })).toEqual(["c@right", "b@hidden", "a@right"]);
  expect(await update({ kind: "tab_delete", tabId: "b" })).toEqual(["c@right", "a@right"]);
});

test("all changes are made or none", async () => {
  const { key, update, refusal } = await board("whole");
  await update(create("a"));
  expect(await refusal(create("b"), { kind: "tab_delete", tabId: "x" })).toBe("board tab not found: x");
  expect(await refusal(create("a"))).toBe("board tab already exists: a");
  expect(await refusal({ kind: "tab_update", tabId: "a" })).toBe("tab_update has no changes");
  expect(await refusal({ kind: "tabs_reorder", tabIds: ["a", "a"] })).toStartWith("tabs_reorder must contain");
  expect(await refusal({ kind: "widget_remove", name: "w" })).toBe("board widget not found: w");
  expect(await refusal(...Array.from({ length: 101 }, (_, n) => create(`t${n}`)))).toContain("at most");
  expect((await client.call("board.get", { sessionKey: key })).revision).toBe(1);
});

test("114: more changes than a board needs are refused before the first is made", async () => {
  const { refusal } = await board("flood");
  const ops = Array.from({ length: LIMITS.boardOps + 1 }, () => ({ kind: "tab_delete", tabId: "x" }));
  expect(await refusal(...ops)).toBe(`board.update takes at most ${LIMITS.boardOps} ops`);
});

test("a board stays over a reset and goes with its session; lists tell who has one", async () => {
  const { key, update } = await board("listed");
  const listed = async (hasBoard: boolean): Promise<boolean> =>
    (await client.call("sessions.list", { hasBoard, search: key })).count === 1;
  expect([await listed(true), await listed(false)]).toEqual([false, true]);
  await update(create("a"));
  expect([await listed(true), await listed(false)]).toEqual([true, false]);
  await client.call("sessions.reset", { key });
  expect((await client.call("board.get", { sessionKey: key })).tabs).toHaveLength(1);
  await update({ kind: "tab_delete", tabId: "a" });
  expect(await listed(true)).toBe(false);
  await update(create("b"));
  await client.call("sessions.delete", { key });
  expect((await client.call("board.get", { sessionKey: key })).revision).toBe(0);
});

test("there is no board of a session or an agent that is not there", async () => {
  const refused = async (params: object) =>
    (await client.request("board.update", { ops: [create("a")], ...params })).error?.message;
  expect(await refused({ sessionKey: "agent:main:nobody" })).toBe("board session not found: agent:main:nobody");
  expect(await refused({ sessionKey: "main", agentId: "ghost" })).toBe('Unknown agent id "ghost"');
});
