import { expect, test } from "bun:test";
import { createSession } from "./create.ts";
import { deleteGroup, groupDefaults, listGroups, putGroups, renameGroup, updateGroup } from "./groups.ts";
import { patchSession } from "./patch.ts";
import type { Sessions } from "./sessions.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";

const names = async (sessions: Sessions) => (await listGroups(sessions)).groups.map(({ name }) => name);
const categoryOf = async (sessions: Sessions, key: string) =>
  (await sessions.repository.find(`agent:main:${key}`))!.entry.category;

test("groups keep their order, their names without blanks and only once, also over a restart", async () => {
  const { sessions } = testSessions();
  const put = await putGroups(sessions, {
    names: ["b", " a ", "b", "  "],
    sectionOrder: ["work", "category:a", "nothing"],
  });
  expect(put).toEqual({
    ok: true,
    groups: [
      { name: "b", position: 0 },
      { name: "a", position: 1 },
    ],
    sectionOrder: ["work", "category:a"],
  });
  expect(await putGroups(sessions, { names: ["a", "b"] })).toMatchObject({ sectionOrder: ["work", "category:a"] });
  expect(await names(sessions)).toEqual(["a", "b"]);
});

test("a session that is put into a group makes it, and taking it out leaves the group", async () => {
  const { sessions } = testSessions();
  await createSession(sessions, { key: "a", category: "first" }, ADMIN);
  await createSession(sessions, { key: "b" }, ADMIN);
  await patchSession(sessions, { key: "b", category: "second" });
  expect(await names(sessions)).toEqual(["first", "second"]);
  expect(await groupDefaults(sessions)).toEqual({ defaults: [{ name: "first" }, { name: "second" }] });
  await patchSession(sessions, { key: "b", category: null });
  expect(await names(sessions)).toEqual(["first", "second"]);
});

test("a group with sessions is not dropped by leaving it out", async () => {
  const { sessions } = testSessions();
  await createSession(sessions, { key: "a", category: "kept" }, ADMIN);
  await putGroups(sessions, { names: ["kept", "empty"] });
  expect(await refusal(() => putGroups(sessions, { names: ["empty"] }))).toEqual({
    message:
      'sessions.groups.put cannot drop groups that still have member sessions: "kept" (1); include them in names or remove them via sessions.groups.delete',
  });
  await putGroups(sessions, { names: ["kept"] });
  expect(await names(sessions)).toEqual(["kept"]);
});

test("sessions follow the new name of their group, also into another group", async () => {
  const { sessions, events } = testSessions();
  await createSession(sessions, { key: "a", category: "one" }, ADMIN);
  await createSession(sessions, { key: "b", category: "two" }, ADMIN);
  await putGroups(sessions, { names: ["one", "two"], sectionOrder: ["category:one", "ungrouped"] });
  const before = (await sessions.repository.find("agent:main:a"))!.entry.updatedAt;
  events.length = 0;
  const renamed = await renameGroup(sessions, { name: "one", to: "1st" });
  expect(renamed).toMatchObject({ updatedSessions: 1, sectionOrder: ["category:1st", "ungrouped"] });
  expect(events).toMatchObject([{ event: "sessions.changed", payload: { reason: "groups" } }]);
  const merged = await renameGroup(sessions, { name: "1st", to: "two" });
  expect(merged).toMatchObject({
    groups: [{ name: "two", position: 0 }],
    updatedSessions: 1,
    sectionOrder: ["category:two", "ungrouped"],
  });
  const { entry } = (await sessions.repository.find("agent:main:a"))!;
  expect(entry).toMatchObject({ category: "two", updatedAt: before });
  expect(await renameGroup(sessions, { name: "two", to: "two" })).toMatchObject({ updatedSessions: 0 });
  expect(await refusal(() => renameGroup(sessions, { name: "gone", to: "x" }))).toEqual({
    message: "unknown session group: gone",
  });
});

test("sessions of a deleted group are in none; deleting none is no error", async () => {
  const { sessions } = testSessions();
  await createSession(sessions, { key: "a", category: "one" }, ADMIN);
  expect(await deleteGroup(sessions, { name: "one" })).toEqual({
    ok: true,
    groups: [],
    sectionOrder: [],
    updatedSessions: 1,
  });
  expect(await categoryOf(sessions, "a")).toBeUndefined();
  expect(await deleteGroup(sessions, { name: "one" })).toMatchObject({ ok: true, updatedSessions: 0 });
});

test("a group says what its new sessions begin with, also under another name, until it is taken in by another", async () => {
  const { sessions, events } = testSessions();
  await putGroups(sessions, { names: ["a", "b"] });
  const from = events.length;
  expect(await updateGroup(sessions, { name: " a ", cwd: "/some/where", worktree: true })).toEqual({
    ok: true,
    defaults: [{ name: "a", cwd: "/some/where", worktree: true }, { name: "b" }],
  });
  expect(events.slice(from).map(({ event, payload }) => [event, (payload as { reason: string }).reason])).toEqual([
    ["sessions.changed", "groups"],
  ]);
  await renameGroup(sessions, { name: "a", to: "c" });
  expect((await groupDefaults(sessions)).defaults).toEqual([
    { name: "c", cwd: "/some/where", worktree: true },
    { name: "b" },
  ]);
  await updateGroup(sessions, { name: "b", cwd: null, worktree: false });
  await renameGroup(sessions, { name: "c", to: "b" });
  expect((await groupDefaults(sessions)).defaults).toEqual([{ name: "b", worktree: false }]);
  await putGroups(sessions, { names: [] });
  await putGroups(sessions, { names: ["b"] });
  expect((await groupDefaults(sessions)).defaults).toEqual([{ name: "b" }]);
});

test.each([
  ["", "/x", "session group name must not be empty"],
  ["a", "x/y", "session group cwd must be absolute"],
  ["z", "/x", "unknown session group: z"],
])("group %p in %p is refused: %s", async (name, cwd, message) => {
  const { sessions } = testSessions();
  await putGroups(sessions, { names: ["a"] });
  expect(await refusal(() => updateGroup(sessions, { name, cwd, worktree: false }))).toEqual({ message });
});
