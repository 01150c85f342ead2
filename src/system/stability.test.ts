import { expect, test } from "bun:test";
import { EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import { Stability } from "./stability.ts";

const open = (capacity = 5) => {
  const bus = new EventBus();
  return {
    bus,
    stability: new Stability({ bus, clock: new ManualClock(), work: { atWork: 1, waiting: 2 }, capacity }),
  };
};

test("keeps the newest events and says how many were dropped", () => {
  const { stability } = open(3);
  for (let at = 0; at < 5; at++) stability.record("some.thing", { at });
  const report = stability.report({});
  expect(report).toMatchObject({ capacity: 3, count: 3, dropped: 2, firstSeq: 3, lastSeq: 5 });
  expect(report.events.map((event) => event.at)).toEqual([2, 3, 4]);
});

test("follows runs by their frames, without what is said", () => {
  const { bus, stability } = open();
  const frame = (stream: string, data: object) => bus.publish("agent", { stream, data, runId: "r" });
  frame("lifecycle", { phase: "start" });
  frame("assistant", { text: "a secret" });
  frame("lifecycle", { phase: "error", error: "a secret" });
  const { events } = stability.report({});
  expect(events.map(({ type, outcome, reason, queueDepth }) => [type, outcome, reason, queueDepth])).toEqual([
    ["session.state", "processing", "run_started", 2],
    ["session.state", "idle", "run_failed", 2],
  ]);
  expect(JSON.stringify(events)).not.toContain("secret");
});

test("sums up all that fit, and shows a page of the newest", () => {
  const { stability } = open();
  stability.record("a");
  stability.sample();
  stability.record("a");
  const report = stability.report({ limit: 1 });
  expect(report.events.map(({ type }) => type)).toEqual(["a"]);
  expect(report.summary).toMatchObject({
    byType: { a: 2, "diagnostic.memory.sample": 1, "diagnostic.heartbeat": 1 },
    memory: { pressureCount: 0, maxRssBytes: expect.any(Number) },
  });
  expect(stability.report({ type: " a ", sinceSeq: "1" })).toMatchObject({ count: 1, firstSeq: 4 });
});

test("has no exporters of telemetry, whose events have a ring of their own upstream", () => {
  const { stability } = open();
  stability.record("telemetry.exporter");
  expect(stability.report({ type: "telemetry.exporter" })).toMatchObject({
    capacity: 16,
    count: 0,
    dropped: 0,
    events: [],
  });
});

test.each([
  [{ limit: "x" }, "limit must be a non-negative integer"],
  [{ limit: 1.5 }, "limit must be a non-negative integer"],
  [{ limit: 0 }, "limit must be between 1 and 1000"],
  [{ limit: 1001 }, "limit must be between 1 and 1000"],
  [{ sinceSeq: -1 }, "sinceSeq must be a non-negative integer"],
  [{ type: 7 }, "type must be a non-empty string"],
])("refuses %p", (params, message) => {
  expect(() => open().stability.report(params)).toThrow(message);
});
