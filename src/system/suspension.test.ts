import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewaySuspendBlocker } from "../../generated/types.ts";
import { EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Settings } from "../store/settings.ts";
import { Store } from "../store/store.ts";
import { Suspension } from "./suspension.ts";

const RUN: GatewaySuspendBlocker = { kind: "chat-run", count: 1, message: "1 active chat run(s)" };
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function open() {
  const folder = mkdtempSync(join(tmpdir(), "chela-suspension-"));
  const store = Store.open(join(folder, "chela.sqlite"));
  closers.push(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const clock = new ManualClock();
  const settings = new Settings(store, clock);
  const bus = new EventBus();
  const phases: unknown[] = [];
  bus.subscribe(({ payload }) => phases.push((payload as { phase: string }).phase));
  const state = { blockers: [] as GatewaySuspendBlocker[], paused: false };
  const make = () =>
    new Suspension({
      settings,
      bus,
      clock,
      log: silentLogger,
      blockers: () => state.blockers,
      pause: (isPaused) => {
        state.paused = isPaused;
      },
    });
  return { clock, phases, state, make, suspension: make() };
}

test("an idle gateway is prepared, serves nothing else, and goes on when resumed", async () => {
  const { suspension, phases, state } = open();
  const lease = await suspension.prepare({ requestId: " a " });
  expect(lease).toMatchObject({ status: "ready", activeCount: 0, blockers: [], writeCustody: [] });
  expect(state.paused).toBe(true);
  expect(suspension.refusal("chat.send")).toMatchObject({
    code: "UNAVAILABLE",
    message: "chat.send unavailable during gateway suspension",
    details: { method: "chat.send", reason: "gateway-suspending", phase: "prepared" },
    retryable: true,
    retryAfterMs: 1000,
  });
  expect(suspension.refusal("gateway.suspend.status")).toBeNull();
  const suspensionId = lease.suspensionId!;
  expect(await suspension.status({ suspensionId })).toMatchObject({ status: "ready" });
  expect(await suspension.resume({ suspensionId })).toEqual({ ok: true, status: "running", resumed: true });
  expect(await suspension.resume({ suspensionId })).toEqual({ ok: true, status: "running", resumed: false });
  expect(suspension.refusal("chat.send")).toBeNull();
  expect(state.paused).toBe(false);
  expect(phases).toEqual(["preparing", "prepared", "accepting"]);
});

test("a busy gateway is not suspended", async () => {
  const { suspension, phases, state } = open();
  state.blockers = [RUN];
  expect(await suspension.prepare({ requestId: "a" })).toEqual({
    status: "busy",
    reason: "active-work",
    retryAfterMs: 20_000,
    activeCount: 1,
    blockers: [RUN],
    writeCustody: [],
  });
  expect(suspension.refusal("health")).toBeNull();
  expect(phases).toEqual(["preparing", "accepting"]);
});

test("draining takes nothing new and is prepared once the work has ended", async () => {
  const { suspension, phases, state } = open();
  state.blockers = [RUN];
  const { status, suspensionId } = await suspension.prepare({ requestId: "a", drain: true });
  expect(status).toBe("draining");
  expect(suspension.refusal("health")?.details?.phase).toBe("draining");
  expect(await suspension.status({ suspensionId: suspensionId! })).toMatchObject({
    status: "draining",
    activeCount: 1,
  });
  state.blockers = [];
  expect(await suspension.status({ suspensionId: suspensionId! })).toMatchObject({ status: "ready" });
  expect(phases).toEqual(["preparing", "draining", "prepared"]);
});

test("the same request renews its lease; another is refused without learning its id", async () => {
  const { suspension, clock } = open();
  const first = await suspension.prepare({ requestId: "a" });
  clock.advance(60_000);
  const again = await suspension.prepare({ requestId: "a" });
  expect(again).toEqual({ ...first, expiresAtMs: first.expiresAtMs! + 60_000 });
  for (const other of [{ requestId: "b" }, { requestId: "a", terminalPolicy: "terminate" as const }]) {
    const refusal = await suspension.prepare(other).catch((error) => error);
    expect(refusal).toMatchObject({ message: "another gateway suspension is already prepared", retryAfterMs: 120_000 });
    expect(JSON.stringify(refusal.details)).not.toContain(first.suspensionId!);
  }
  await expect(suspension.status({ suspensionId: "x" })).rejects.toThrow("a different gateway suspension is prepared");
  await expect(suspension.resume({ suspensionId: "x" })).rejects.toThrow("gateway suspension id does not match");
});

test("a lease outlives the process, and ends by itself", async () => {
  const { suspension, make, clock, state } = open();
  const { suspensionId } = await suspension.prepare({ requestId: "a" });
  suspension.stop();
  const next = make();
  await next.start();
  expect(next.phase).toBe("prepared");
  expect(await next.status({ suspensionId: suspensionId! })).toMatchObject({ status: "ready" });
  clock.advance(120_001);
  expect(await next.status({ suspensionId: suspensionId! })).toEqual({ status: "running" });
  expect(next.phase).toBe("accepting");
  expect(state.paused).toBe(false);
  const later = make();
  await later.start();
  expect(later.phase).toBe("accepting");
});
