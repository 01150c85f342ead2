import { afterEach, beforeEach, expect, test } from "bun:test";
import { Store } from "../../store/store.ts";
import { RunRecords } from "./run-records.ts";
import type { RunInput, RunOutcome } from "./types.ts";

let store: Store;
let records: RunRecords;
beforeEach(() => {
  store = Store.open(":memory:");
  records = new RunRecords(store);
});
afterEach(() => store.close());

const input = (runId: string, acceptedAt = 0): RunInput => ({
  runId,
  kind: "chat",
  sessionKey: "agent:main:main",
  agentId: "main",
  id: `pending-${runId}`,
  acceptedAt,
  message: { role: "user", content: "hello", timestamp: acceptedAt },
  settings: {},
  owner: "somebody",
});
const done = (endedAt: number): RunOutcome => ({ status: "ok", endedAt, stopReason: "stop" });
const retention = { ttlMs: 100, maxEntries: 1000, pendingTtlMs: 1000 };

test("a key is taken once, also by two at the same time", async () => {
  const [first, second] = await Promise.all([records.accept(input("a"), "h1"), records.accept(input("a"), "h2")]);
  expect(first).toBeNull();
  expect(second).toMatchObject({ runId: "a", requestHash: "h1", outcome: null });
});

test("the message is kept until it is in the transcript, the outcome afterwards", async () => {
  await records.accept(input("a"), "h");
  expect((await records.find("a"))?.input?.message.content).toBe("hello");
  await records.started("a", 5);
  expect(await records.find("a")).toMatchObject({ startedAt: 5, endedAt: null, input: null });
  expect((await records.unfinished()).map(({ runId }) => runId)).toEqual(["a"]);
  await records.ended("a", done(9));
  expect(await records.find("a")).toMatchObject({ endedAt: 9, outcome: { status: "ok" } });
  expect(await records.unfinished()).toEqual([]);
});

test("an end that cannot be stored is told all the same, and stored with the next one", async () => {
  await records.accept(input("a"), "h");
  await records.accept(input("b"), "h");
  store.db.exec("PRAGMA query_only = ON");
  await expect(records.ended("a", { status: "error", endedAt: 3, error: "no room" })).rejects.toThrow();
  expect((await records.find("a"))?.outcome).toMatchObject({ status: "error", error: "no room" });
  store.db.exec("PRAGMA query_only = OFF");
  await records.ended("b", done(4));
  expect(await new RunRecords(store).find("a")).toMatchObject({ endedAt: 3, outcome: { error: "no room" } });
});

test("a message that never ran stays, oldest first, until its session starts over", async () => {
  for (const [index, runId] of ["a", "b", "c"].entries()) {
    await records.accept(input(runId, index), "h");
    await records.ended(runId, { status: "aborted", endedAt: index });
  }
  expect((await records.neverRan(2)).map(({ runId }) => runId)).toEqual(["b", "c"]);
  await records.forgetPending("agent:main:main");
  expect(await records.neverRan(2)).toEqual([]);
  expect((await records.find("c"))?.outcome?.status).toBe("aborted");
});

test("old keys are forgotten after their time, unfinished ones never, messages that never ran later", async () => {
  await records.accept(input("done"), "h");
  await records.settled("done", done(0));
  await records.accept(input("cancelled"), "h");
  await records.ended("cancelled", { status: "aborted", endedAt: 0 });
  await records.accept(input("open"), "h");
  expect(await records.prune(100, retention)).toBe(0);
  expect(await records.prune(101, retention)).toBe(1);
  expect(await records.find("done")).toBeNull();
  expect(await records.prune(1001, retention)).toBe(1);
  expect(await records.find("cancelled")).toBeNull();
  expect(await records.find("open")).not.toBeNull();
});

test("above their number the keys that ended longest ago are forgotten", async () => {
  for (const [index, runId] of ["a", "b", "c"].entries()) {
    await records.accept(input(runId), "h");
    await records.settled(runId, done(index));
  }
  expect(await records.prune(3, { ...retention, maxEntries: 2 })).toBe(1);
  expect(await records.find("a")).toBeNull();
  expect(await records.find("b")).not.toBeNull();
});
