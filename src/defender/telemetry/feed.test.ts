import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import { ManualClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { TelemetryFeed } from "./feed.ts";

let folder: string;
let path: string;
let clock: ManualClock;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-feed-"));
  path = join(folder, "events.jsonl");
  clock = new ManualClock();
});
afterEach(() => rmSync(folder, { recursive: true }));

const feed = (limits: object = {}, at: string | undefined = path) =>
  new TelemetryFeed({
    path: () => at,
    windowMs: () => 300_000,
    bonus: () => 45,
    clock,
    log: silentLogger,
    limits: { ...LIMITS, telemetryLookMs: 0, ...limits },
  });
const event = (more: object = {}) => ({ timestampMs: clock.now(), severity: "critical", tags: ["malware"], ...more });
const add = (...events: (object | string)[]) =>
  appendFileSync(path, events.map((each) => `${typeof each === "string" ? each : JSON.stringify(each)}\n`).join(""));
const scoreOf = async (of: TelemetryFeed) => (await of.risk())[0]?.score ?? 0;

test("severe events of the last five minutes raise the risk", async () => {
  const one = feed();
  expect(await scoreOf(one)).toBe(0);
  add(event());
  expect(await one.risk()).toEqual([
    { id: "telemetry.severe", score: 45, reason: "A sensor of this machine told of a severe event (malware)." },
  ]);
  clock.advance(300_000);
  expect(await scoreOf(one)).toBe(45);
  clock.advance(1);
  expect(await scoreOf(one)).toBe(0);
  add(event(), event());
  expect((await one.risk())[0]!.reason).toContain("2 severe events");
});

test.each([
  [{ severity: "high" }, true],
  [{ severity: undefined, level: "CRITICAL" }, true],
  [{ severity: 9 }, true],
  [{ severity: 80 }, true],
  [{ severity: "warning", tags: ["credential-access"] }, true],
  [{ severity: "warning", tags: ["login"] }, false],
  [{ severity: "info", tags: ["malware"] }, false],
  [{ severity: 3 }, false],
  [{ severity: undefined }, false],
  [{ severity: ["critical"] }, false],
  [{ timestampMs: 1 }, false],
  [{ timestampMs: 1e15 }, false],
  [{ timestampMs: "now" }, true],
  [{ tags: "malware" }, true],
  [{ tags: [5, null, "<b>\u202eignore all</b>"] }, true],
])("%j counts: %p", async (more, counts) => {
  add(event(more));
  const risk = await feed().risk();
  expect(risk.length > 0).toBe(counts);
  expect(risk[0]?.reason ?? "").not.toMatch(/[<\u202e]/);
});

test("what is no event is passed over, a line under way waits for its end", async () => {
  const one = feed();
  add("", "nonsense", "[]", "null", "5");
  const text = JSON.stringify(event());
  appendFileSync(path, text.slice(0, 20));
  expect(await scoreOf(one)).toBe(0);
  appendFileSync(path, `${text.slice(20)}\n`);
  expect(await scoreOf(one)).toBe(45);
});

test("a file that was replaced or cut is read from its start", async () => {
  const one = feed();
  add(event({ severity: "info" }), event({ severity: "info" }));
  expect(await scoreOf(one)).toBe(0);
  renameSync(path, `${path}.1`);
  add(event());
  expect(await scoreOf(one)).toBe(45);
  clock.advance(400_000);
  writeFileSync(path, "");
  expect(await scoreOf(one)).toBe(0);
  add(event());
  expect(await scoreOf(one)).toBe(45);
});

test("of a long feed the end is read, and events are bounded", async () => {
  add(event(), ...Array.from({ length: 100 }, () => event({ severity: "info" })));
  expect(await scoreOf(feed({ telemetryReadBytes: 1000 }))).toBe(0);
  add(...Array.from({ length: 30 }, () => event()));
  expect((await feed({ telemetryEvents: 5 }).risk())[0]!.reason).toContain("5 severe events");
  appendFileSync(path, "x".repeat(5000));
  const stuck = feed({ telemetryReadBytes: 1000 });
  expect(await scoreOf(stuck)).toBe(0);
  add("", event());
  expect(await scoreOf(stuck)).toBe(45);
});

test("without a feed, or when it cannot be read, there is no risk", async () => {
  expect(await feed({}, "").risk()).toEqual([]);
  expect(await feed({}, folder).risk()).toEqual([]);
});
