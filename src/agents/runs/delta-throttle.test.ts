import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { DeltaThrottle } from "./delta-throttle.ts";

let now = 0;
let sent: number[] = [];
const options = { intervalMs: 100, fullRateChars: 1000, now: () => now };

beforeEach(() => {
  now = 0;
  sent = [];
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const pass = (ms: number): void => {
  now += ms;
  jest.advanceTimersByTime(ms);
};

test("the first piece goes at once, later ones together at the interval", () => {
  const throttle = new DeltaThrottle(options, () => sent.push(now));
  throttle.touch(1);
  expect(sent).toEqual([0]);
  pass(10);
  throttle.touch(2);
  throttle.touch(3);
  expect(sent).toEqual([0]);
  pass(90);
  expect(sent).toEqual([0, 100]);
  pass(300);
  throttle.touch(4);
  expect(sent).toEqual([0, 100, 400]);
});

test("a long text is sent more rarely, so that all deltas together stay in proportion to it", () => {
  const throttle = new DeltaThrottle(options, () => sent.push(now));
  let volume = 0;
  const length = 200_000;
  for (let at = 0; at < length; at += 100) {
    const before = sent.length;
    throttle.touch(at);
    pass(10);
    volume += (sent.length - before) * at;
  }
  // Every interval would be 200 frames of 100,000 characters on average; a growing one repeats the text a few times.
  expect(volume).toBeLessThan(length * 12);
});

test("sends nothing after it is stopped", () => {
  const throttle = new DeltaThrottle(options, () => sent.push(now));
  throttle.touch(1);
  throttle.touch(2);
  throttle.stop();
  pass(1000);
  expect(sent).toEqual([0]);
});
