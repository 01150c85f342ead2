import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Strangers } from "./strangers.ts";

const LIMITS = {
  preauthSocketsPerAddress: 2,
  preauthSocketsTotal: 4,
  preauthMemoryBytes: 1000,
  preauthLookMs: 10,
  preauthBarMs: 500,
};

let resident: number;
let strangers: Strangers;

beforeEach(() => {
  jest.useFakeTimers();
  resident = 50_000;
  strangers = new Strangers(LIMITS, () => resident);
});
afterEach(() => {
  jest.useRealTimers();
});

const peerAt = (remoteAddress: string) => ({ remoteAddress, isLoopback: false, isLocalDirect: false });

function arrive(remoteAddress = "192.0.2.1") {
  const stranger = {
    peer: peerAt(remoteAddress),
    isCut: false,
    cutOff() {
      this.isCut = true;
      strangers.remove(this);
    },
  };
  strangers.add(stranger);
  return stranger;
}

test("one network, and all together, have so many places", () => {
  const first = arrive("192.0.2.1");
  arrive("192.0.2.1");
  expect(strangers.isFullFor(peerAt("192.0.2.1"))).toBe(true);
  expect(strangers.isFullFor(peerAt("192.0.2.2"))).toBe(false);
  arrive("192.0.2.2");
  arrive("192.0.2.3");
  expect(strangers.isFullFor(peerAt("192.0.2.4"))).toBe(true);
  strangers.remove(first);
  strangers.remove(first);
  expect(strangers.count).toBe(3);
  expect(strangers.isFullFor(peerAt("192.0.2.1"))).toBe(false);
});

test("112: when the process has grown too much while they waited, all are cut off and stay out for a moment", () => {
  const early = arrive("192.0.2.1");
  resident += 600;
  const late = arrive("192.0.2.2");
  resident += 400;
  jest.advanceTimersByTime(10);
  expect([early.isCut, late.isCut]).toEqual([false, false]);
  resident += 1;
  jest.advanceTimersByTime(10);
  expect([early.isCut, late.isCut]).toEqual([true, true]);
  expect([strangers.cut, strangers.count]).toEqual([2, 0]);
  const isOut = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => strangers.isFullFor(peerAt(address)));
  expect(isOut).toEqual([true, true, false]);
  jest.advanceTimersByTime(500);
  expect(strangers.isFullFor(peerAt("192.0.2.1"))).toBe(false);
});

test("those who come one after the other do not raise what counts as growth", () => {
  const others = Array.from({ length: 3 }, (_, index) => {
    const stranger = arrive(`192.0.2.${index}`);
    resident += 400;
    jest.advanceTimersByTime(10);
    return stranger;
  });
  expect(others.map(({ isCut }) => isCut)).toEqual([true, true, true]);
});

test("memory that is there when the first one comes is not theirs, and what is given back lowers the measure", () => {
  resident += 5000;
  const stranger = arrive();
  resident -= 3000;
  jest.advanceTimersByTime(10);
  resident += 1000;
  jest.advanceTimersByTime(10);
  expect(stranger.isCut).toBe(false);
  resident += 1;
  jest.advanceTimersByTime(10);
  expect(stranger.isCut).toBe(true);
});

test("nothing is watched while nobody waits", () => {
  let asked = 0;
  strangers = new Strangers(LIMITS, () => {
    asked++;
    return resident;
  });
  strangers.remove(arrive());
  jest.advanceTimersByTime(100);
  expect(asked).toBe(1);
});
