import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { isLoopWatched, LoopGuard } from "./loop-guard.ts";
import { textResult } from "./types.ts";

const read = (path: string) => ({ name: "read", arguments: { path } });
const poll = { name: "process", arguments: { action: "poll", sessionId: "a" } };

/** What the guard says before and after each of so many calls. */
function go(
  guard: LoopGuard,
  times: number,
  call: (index: number) => ReturnType<typeof read> | typeof poll,
  result: (index: number) => string,
) {
  const warnings: number[] = [];
  for (let index = 0; index < times; index++) {
    if (guard.judge([call(index)])) return { warnings, blockedAt: index };
    if (guard.record(call(index), textResult(result(index)))) warnings.push(index + 1);
  }
  return { warnings, blockedAt: null };
}

describe("a run that gets nowhere", () => {
  test("is told after ten times the same and stopped after twenty", () => {
    const { warnings, blockedAt } = go(
      new LoopGuard(LIMITS),
      40,
      () => read("a"),
      () => "same",
    );
    expect(warnings).toEqual([10, 15, 20]);
    expect(blockedAt).toBe(20);
  });

  test("in turn between two calls is seen as well", () => {
    const { warnings, blockedAt } = go(
      new LoopGuard(LIMITS),
      40,
      (index) => read(index % 2 ? "a" : "b"),
      (index) => `same ${index % 2}`,
    );
    expect(warnings[0]).toBe(10);
    expect(blockedAt).toBe(20);
  });

  test("is seen though other calls come between", () => {
    const guard = new LoopGuard({ ...LIMITS, loopHistory: 100 });
    const { blockedAt } = go(
      guard,
      90,
      (index) => (index % 3 === 0 ? read("a") : read(`other ${index}`)),
      (index) => (index % 3 === 0 ? "same" : `${index}`),
    );
    expect(blockedAt).toBe(60);
  });

  test("ends when it is blocked a second time, whatever came between", () => {
    const guard = new LoopGuard(LIMITS);
    go(
      guard,
      20,
      () => read("a"),
      () => "same",
    );
    expect(guard.judge([read("b"), read("a")])).toMatchObject({ endsRun: false });
    expect(guard.judge([read("b")])).toBeNull();
    expect(guard.judge([read("a")])).toMatchObject({ endsRun: true });
  });
});

describe("a run that gets on", () => {
  test("may poll as long as something changes", () => {
    expect(
      go(
        new LoopGuard(LIMITS),
        100,
        () => poll,
        (index) => `line ${index}`,
      ),
    ).toEqual({ warnings: [], blockedAt: null });
  });
  test("may call the same with other arguments", () => {
    expect(
      go(
        new LoopGuard(LIMITS),
        100,
        (index) => read(`${index}`),
        () => "same",
      ),
    ).toEqual({ warnings: [], blockedAt: null });
  });
  test("may go back and forth when results differ", () => {
    const { blockedAt } = go(
      new LoopGuard(LIMITS),
      100,
      (index) => read(index % 2 ? "a" : "b"),
      (index) => `${index}`,
    );
    expect(blockedAt).toBeNull();
  });
  test("starts over when a result changes", () => {
    const { warnings } = go(
      new LoopGuard(LIMITS),
      30,
      () => read("a"),
      (index) => `${Math.floor(index / 9)}`,
    );
    expect(warnings).toEqual([]);
  });
});

test("durations, process ids and marks of outside content are no progress; an exit code is", () => {
  const outcome = (durationMs: number, exitCode: number, mark: string) =>
    textResult(`<content id="${mark}">x`, { durationMs, pid: durationMs, exitCode });
  const guard = new LoopGuard(LIMITS);
  let told: string | null = null;
  for (let index = 0; index < 10; index++) told = guard.record(poll, outcome(index, 0, `${index}`.repeat(16)));
  expect(told).toContain("10 times");
  expect(guard.record(poll, outcome(11, 1, "0".repeat(16)))).toBeNull();
});

test("nothing is watched unless the configuration says so, an agent's word before that of all", () => {
  const on = { loopDetection: { enabled: true } };
  const off = { loopDetection: { enabled: false } };
  expect(isLoopWatched({}, undefined)).toBe(false);
  expect(isLoopWatched({ tools: on }, undefined)).toBe(true);
  expect(isLoopWatched({ tools: on }, off)).toBe(false);
  expect(isLoopWatched({ tools: off }, on)).toBe(true);
});
