import { expect, test } from "bun:test";
import { SessionQueues } from "./session-queues.ts";

/** Tasks that end when they are told to, and the order in which they began. */
function stage(bounds: Partial<ConstructorParameters<typeof SessionQueues>[0]> = {}) {
  const failures: unknown[] = [];
  const queues = new SessionQueues({ perSession: 4, total: 6, atOnce: 2, ...bounds }, (error) => failures.push(error));
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const push = (session: string, name: string, minor = false): boolean => {
    const end = Promise.withResolvers<void>();
    ends.set(name, end);
    const task = (): Promise<void> => {
      begun.push(name);
      return end.promise;
    };
    return queues.push(session, task, { minor });
  };
  const end = async (name: string, error?: Error): Promise<void> => {
    if (error) ends.get(name)!.reject(error);
    else ends.get(name)!.resolve();
    await Bun.sleep(0);
  };
  return { queues, begun, push, end, failures };
}

test("a session's tasks come one after the other, sessions beside each other and in turn", async () => {
  const { begun, push, end } = stage();
  for (const [session, name] of [
    ["a", "a1"],
    ["a", "a2"],
    ["b", "b1"],
    ["c", "c1"],
  ] as const) {
    push(session, name);
  }
  expect(begun).toEqual(["a1", "b1"]);
  await end("a1");
  expect(begun).toEqual(["a1", "b1", "c1"]);
  await end("b1");
  expect(begun).toEqual(["a1", "b1", "c1", "a2"]);
});

test("is bounded by session and in all; what is minor gets half", async () => {
  const { push, queues } = stage({ atOnce: 1 });
  push("busy", "at work");
  expect([1, 2, 3, 4, 5].map((n) => push("a", `a${n}`))).toEqual([true, true, true, true, false]);
  expect([1, 2, 3].map((n) => push("b", `b${n}`))).toEqual([true, true, false]);
  expect(queues.length).toBe(6);
  const other = stage({ atOnce: 1 });
  other.push("busy", "at work");
  expect([1, 2, 3].map((n) => other.push("a", `a${n}`, true))).toEqual([true, true, false]);
  expect(other.push("a", "important")).toBe(true);
});

test("a task that fails ends nothing else", async () => {
  const { begun, push, end, failures } = stage();
  push("a", "a1");
  push("a", "a2");
  await end("a1", new Error("broken"));
  expect(begun).toEqual(["a1", "a2"]);
  expect(failures).toMatchObject([{ message: "broken" }]);
});

test("closing waits for what is at work and begins nothing more", async () => {
  const { begun, push, end, queues } = stage();
  push("a", "a1");
  push("a", "a2");
  let isClosed = false;
  const closed = queues.close().then(() => {
    isClosed = true;
  });
  await Bun.sleep(0);
  expect({ isClosed, taken: push("a", "a3") }).toEqual({ isClosed: false, taken: false });
  await end("a1");
  await closed;
  expect(begun).toEqual(["a1"]);
});
