import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../platform/clock.ts";
import { Store } from "../../store/store.ts";
import { Outbox } from "./outbox.ts";

const LIMITS = { outboxWaiting: 3, outboxBytes: 2000, outboxKeys: 2, outboxTtlMs: 1000 };
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function open(limits = LIMITS) {
  const folder = mkdtempSync(join(tmpdir(), "chela-outbox-"));
  const store = Store.open(join(folder, "test.sqlite"));
  ends.push(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const clock = new ManualClock();
  const outbox = new Outbox(store, clock, limits);
  const add = (id: string, text = "hi", method: "send" | "poll" = "send") =>
    outbox.add({
      id,
      method,
      idempotencyKey: id,
      channel: "slack",
      account: "default",
      mirrorKey: null,
      message: {
        deliveryId: id,
        accountId: "default",
        to: "C1",
        content: { kind: "message", text, mediaUrls: [], options: {} },
      },
    });
  return { outbox, clock, add };
}

test("what waits is never forgotten, and nothing is taken beyond what fits", async () => {
  const { outbox, clock, add } = open();
  for (const id of ["a", "b", "c"]) expect(await add(id)).toHaveProperty("added");
  expect(await add("d")).toBe("full");
  clock.advance(LIMITS.outboxTtlMs + 1);
  expect(await add("a")).toHaveProperty("known");
  await outbox.delivered("a", { messageId: "m" });
  expect(await add("d", "x".repeat(2000))).toBe("full");
  expect(await add("d")).toHaveProperty("added");
});

test("what was given up makes room and keeps its reason", async () => {
  const { outbox, add } = open();
  await add("a", "x".repeat(1500));
  await outbox.failed("a", "no such room", null);
  expect(await add("b", "x".repeat(1500))).toHaveProperty("added");
  expect(await add("a")).toMatchObject({ known: { state: "dead", error: "no such room", message: null } });
});

test("settled calls are known again for a time and up to a number", async () => {
  const { outbox, clock, add } = open();
  for (const id of ["a", "b", "c"]) {
    await add(id);
    await outbox.delivered(id, { messageId: id });
    clock.advance(1);
  }
  expect(await add("c")).toMatchObject({ known: { receipt: { messageId: "c" } } });
  expect(await add("a")).toHaveProperty("added");
  clock.advance(LIMITS.outboxTtlMs);
  expect(await add("c")).toHaveProperty("added");
});

test("after a crash messages are sent again, polls are not", async () => {
  const { outbox, add } = open();
  await add("a");
  await add("p", "Tea?", "poll");
  await outbox.recover("nobody knows");
  expect((await outbox.take(10)).map(({ id }) => id)).toEqual(["a"]);
  expect(await add("p", "Tea?", "poll")).toMatchObject({ known: { state: "dead", error: "nobody knows" } });
});

test("what was given up is counted until it is forgotten, what a caller was told of is not", async () => {
  const { outbox, clock, add } = open({ ...LIMITS, outboxWaiting: 9, outboxKeys: 9 });
  expect(await outbox.givenUp()).toBeNull();
  await add("told", "Tea?", "poll");
  await outbox.failed("told", "no polls", null);
  await add("again");
  await outbox.failed("again", "later", clock.now() + 5);
  expect(await outbox.givenUp()).toBeNull();
  await add("lost", "Tea?", "poll");
  clock.advance(10);
  const firstAt = clock.now();
  await outbox.recover("nobody knows");
  clock.advance(10);
  await add("dead");
  await outbox.failed("dead", "no such room", null);
  expect(await outbox.givenUp()).toEqual({ count: 2, oldestFailedAt: firstAt });
  clock.advance(LIMITS.outboxTtlMs);
  await add("later");
  expect(await outbox.givenUp()).toBeNull();
});
