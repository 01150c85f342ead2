import { describe, expect, test } from "bun:test";
import { Lanes } from "./lanes.ts";

/** A small generator of numbers from a seed, so that a failing schedule can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("lanes over random schedules", () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("seed %i", async (seed) => {
    const pick = random(seed);
    const most = 1 + pick(4);
    const lanes = new Lanes(() => most);
    const queued = new Map<string, number[]>();
    const ran = new Map<string, number[]>();
    const busy = new Set<string>();
    const cancelled = new Set<number>();
    const held = new Map<string, number>();
    const releases: (() => void)[] = [];
    const hold = (key: string): void => {
      const release = lanes.hold(key);
      held.set(key, (held.get(key) ?? 0) + 1);
      releases.push(() => {
        held.set(key, held.get(key)! - 1);
        release();
        release();
      });
    };
    let atWork = 0;
    let begun = 0;
    for (let job = 0; job < 120; job++) {
      const key = `lane-${pick(5)}`;
      const order = queued.get(key) ?? [];
      queued.set(key, order);
      ran.set(key, ran.get(key) ?? []);
      const ticket = lanes.enqueue(key, async () => {
        expect(busy.has(key)).toBe(false);
        expect(held.get(key) ?? 0).toBe(0);
        busy.add(key);
        expect(++atWork).toBeLessThanOrEqual(most);
        begun++;
        await turns(pick(4));
        ran.get(key)!.push(job);
        atWork--;
        busy.delete(key);
      });
      order.push(job);
      if (pick(6) === 0 && ticket.cancel()) {
        cancelled.add(job);
        expect(ticket.cancel()).toBe(false);
      }
      if (pick(3) === 0) await turns(1);
      if (pick(8) === 0) hold(key);
      if (pick(6) === 0) releases.shift()?.();
    }
    for (const release of releases) release();
    while (lanes.waiting > 0 || lanes.atWork > 0) await turns(1);
    expect(begun).toBe(120 - cancelled.size);
    for (const [key, order] of queued) expect(ran.get(key)!).toEqual(order.filter((job) => !cancelled.has(job)));
  });
});

describe("lanes", () => {
  test("begin a job only after the turn that queued it", async () => {
    const lanes = new Lanes(() => 1);
    let begun = false;
    lanes.enqueue("a", async () => {
      begun = true;
    });
    await Promise.resolve();
    expect(begun).toBe(false);
    await turns(2);
    expect(begun).toBe(true);
  });

  test("let a job go before those that wait", async () => {
    const lanes = new Lanes(() => 1);
    const order: string[] = [];
    const job = (name: string) => async () => {
      order.push(name);
    };
    lanes.enqueue("a", async () => {
      lanes.enqueue("a", job("late"), 0);
      order.push("first");
    });
    lanes.enqueue("a", job("second"));
    await turns(10);
    expect(order).toEqual(["first", "late", "second"]);
  });

  test("go on when there is room again, also for a number that changes", async () => {
    let most = 0;
    const lanes = new Lanes(() => most);
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    for (const key of ["a", "b", "c"]) {
      lanes.enqueue(key, () => {
        begun++;
        return gate.promise;
      });
    }
    await turns(3);
    expect(begun).toBe(1);
    most = 3;
    gate.resolve();
    await turns(3);
    expect(begun).toBe(3);
  });
});
