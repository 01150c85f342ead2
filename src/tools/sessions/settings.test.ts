import { afterAll, beforeAll, expect, test } from "bun:test";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway, type UsedTool, useTool } from "../../agents/testing/tool-gateway.ts";
import type { TestClient } from "../../gateway/testing.ts";

let gateway: ToolGateway;
beforeAll(async () => {
  gateway = await startToolGateway();
});
afterAll(() => gateway.stop());

const use = (args: object, more: { by?: TestClient; sessionKey?: string } = {}): Promise<UsedTool> =>
  useTool(gateway, "sessions", args, more);

async function talked(): Promise<{ key: string; id: string }> {
  const { sessionKey, id } = freshKey();
  await gateway.client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("t") });
  await chatEnd(gateway.client, id("t"));
  return { key: sessionKey, id: (await entryOf(sessionKey))!.sessionId };
}

const entryOf = async (key: string) => (await gateway.services.sessions.repository.find(key))?.entry;

test("changes settings of its session, and an empty text takes them back", async () => {
  const { sessionKey } = freshKey();
  const patched = await use({ action: "patch", label: "Work A", color: "red", pinned: true }, { sessionKey });
  expect(patched).toEqual({ status: "updated", sessionKey, updated: ["label", "color", "pinned"] });
  expect(await entryOf(sessionKey)).toMatchObject({ label: "Work A", color: "red" });
  await use({ action: "patch", label: "", statusNote: "busy", attention: "hand", ttlMinutes: 5 }, { sessionKey });
  const entry = await entryOf(sessionKey);
  expect(entry!.label).toBeUndefined();
  expect((await use({ action: "patch" }, { sessionKey })).error).toBe("Patch setting required");
  expect((await use({ action: "patch", model: "zzz/none" }, { sessionKey })).error).toBeString();
});

test("changes several, each with its outcome, and archives only what it has seen", async () => {
  const [a, b] = [await talked(), await talked()];
  const targets = [{ sessionKey: a.key }, { sessionKey: "agent:main:nobody" }, { sessionKey: b.key }];
  const some = await use({ action: "patch", targets, color: "blue" });
  expect(some).toMatchObject({ status: "updated", succeeded: [0, 2], failed: [1] });
  expect((await use({ action: "patch", sessionKey: a.key, archived: true })).error).toContain("expectedSessionId");
  const stale = { action: "patch", sessionKey: a.key, archived: true, expectedSessionId: "other" };
  expect((await use(stale)).error).toContain("changed before patch");
  expect((await use({ ...stale, expectedSessionId: a.id })).status).toBe("updated");
  const own = freshKey().sessionKey;
  expect((await use({ action: "patch", archived: true }, { sessionKey: own })).error).toContain("cannot be archived");
});

test("keeps groups, and moves sessions into them", async () => {
  const { key } = await talked();
  expect(await use({ action: "group_set", names: ["A", "B"] })).toMatchObject({ ok: true });
  expect((await use({ action: "patch", sessionKey: key, group: "A" })).updated).toEqual(["category"]);
  expect((await use({ action: "group_rename", name: "A", to: "C" })).updatedSessions).toBe(1);
  const { groups } = await use({ action: "group_list" });
  expect(groups.map(({ name }: { name: string }) => name)).toEqual(["C", "B"]);
  expect((await use({ action: "group_delete" })).error).toBe("name required");
  expect((await entryOf(key))!.category).toBe("C");
});

test("resets and deletes other sessions than the one at work", async () => {
  const [a, b] = [await talked(), await talked()];
  expect((await use({ action: "reset" })).error).toBe("sessionKey required");
  const { sessionKey } = freshKey();
  const self = await use({ action: "delete", sessionKey: "current" }, { sessionKey });
  expect(self.error).toBe("Cannot delete the session running this tool");
  expect((await use({ action: "reset", sessionKey: a.key })).status).toBe("reset");
  expect(await gateway.services.sessions.recent(a.key, 10)).toEqual([]);
  expect((await use({ action: "delete", sessionKey: b.key })).error).toContain("expectedSessionId");
  expect(await use({ action: "delete", sessionKey: b.key, expectedSessionId: b.id })).toEqual({
    ...{ status: "deleted", sessionKey: b.key },
  });
  expect(await entryOf(b.key)).toBeUndefined();
});

test("120: a turn that is not its owner's changes no model, no group and no session of others", async () => {
  const by = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
  const { key, id } = await talked();
  for (const args of [
    { action: "patch", model: "mock/think-1" },
    { action: "group_set", names: [] },
    { action: "delete", sessionKey: key, expectedSessionId: id },
    { action: "reset", sessionKey: key },
  ]) {
    expect((await use(args, { by })).error).toContain("Only its owner");
  }
  expect((await use({ action: "patch", sessionKey: key, label: "mine" }, { by })).error).toContain("may see");
  expect((await entryOf(key))!.label).toBeUndefined();
});
