import { afterEach, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { chatEnd, transcript } from "../agents/testing/chat-gateway.ts";
import { stopServices } from "../gateway/service-life.ts";
import { ManualClock } from "../platform/clock.ts";
import { type CronGateway, HOUR, startCronGateway, turnJob } from "./testing.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options: Parameters<typeof startCronGateway>[0] = {}): Promise<CronGateway> {
  const gateway = await startCronGateway(options);
  closers.push(() => gateway.stop());
  return gateway;
}

/** A state directory that outlives its gateways. */
function lastingDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "chela-cron-"));
  closers.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const inMs = (clock: ManualClock, ms: number): string => new Date(clock.now() + ms).toISOString();
const runs = ({ client }: CronGateway, id: string) => client.call("cron.runs", { id });

describe("a due job", () => {
  test("runs in a session of its own, afresh each time, and leaves a record", async () => {
    const gateway = await start();
    const { client, model } = gateway;
    const { id } = await client.call("cron.add", turnJob());
    await gateway.pass(HOUR - 1);
    expect((await runs(gateway, id)).total).toBe(0);
    await gateway.pass(1);
    const first = await gateway.finished(id);
    expect(first).toMatchObject({
      status: "ok",
      completionStatus: "succeeded",
      summary: "echo: say hi",
      model: "mock-1",
    });
    expect(first.usage.total_tokens).toBeGreaterThan(0);
    expect(first.sessionKey).toBe(`agent:main:cron:${id}:run:${first.sessionId}`);

    const from = client.frames.length;
    await gateway.pass(HOUR);
    const second = await gateway.finished(id, from);
    expect(second.sessionId).not.toBe(first.sessionId);
    expect(await transcript(gateway, `agent:main:cron:${id}`)).toEqual(["user: say hi", "assistant: echo: say hi"]);
    expect(model.calls).toHaveLength(2);
    const { entries, total } = await runs(gateway, id);
    expect(total).toBe(2);
    expect(entries[0]).toMatchObject({ jobName: "hourly", sessionId: second.sessionId });
    expect(entries[0].nextRunAtMs).toBe(gateway.clock.now() + HOUR);
  });

  test("goes on in the session that it names", async () => {
    const gateway = await start();
    const { id } = await gateway.client.call("cron.add", turnJob({ sessionTarget: "session:Standup" }));
    await gateway.pass(HOUR);
    await gateway.finished(id);
    const from = gateway.client.frames.length;
    await gateway.pass(HOUR);
    expect((await gateway.finished(id, from)).sessionKey).toBe("agent:main:standup");
    expect(await transcript(gateway, "agent:main:standup")).toHaveLength(4);
  });

  test("with a single time is gone when it has succeeded, and turned off when it has not", async () => {
    const gateway = await start();
    const { client, clock } = gateway;
    const once = (message: string) =>
      turnJob({ schedule: { kind: "at", at: inMs(clock, HOUR) }, payload: { kind: "agentTurn", message } });
    const good = await client.call("cron.add", once("fine"));
    const bad = await client.call("cron.add", once("any"));
    await client.call("cron.update", { id: bad.id, patch: { payload: { kind: "agentTurn", model: "nope/none" } } });
    await gateway.pass(HOUR);
    await Promise.all([gateway.finished(good.id), gateway.finished(bad.id)]);
    await client.event("cron", ({ jobId, action }) => jobId === good.id && action === "removed", 0);
    expect((await client.request("cron.get", { id: good.id })).ok).toBe(false);
    expect(await client.call("cron.get", { id: bad.id })).toMatchObject({ enabled: false, lastRunStatus: "error" });
  });

  test("that fails waits longer each time and is turned off in the end", async () => {
    const gateway = await start();
    const { client, clock } = gateway;
    const { id } = await client.call(
      "cron.add",
      turnJob({
        schedule: { kind: "every", everyMs: 1000 },
        payload: { kind: "agentTurn", message: "x", model: "nope/none" },
      }),
    );
    const waits: number[] = [];
    for (let failure = 1; failure <= 10; failure++) {
      const { state } = await client.call("cron.get", { id });
      const from = client.frames.length;
      await gateway.pass(state.nextRunAtMs - clock.now());
      const { job } = await gateway.finished(id, from);
      if (job.state.nextRunAtMs !== undefined) waits.push((job.state.nextRunAtMs - clock.now()) / 1000);
    }
    expect(waits).toEqual([30, 60, 300, 900, 3600, 3600, 3600, 3600, 3600]);
    const job = await client.call("cron.get", { id });
    expect(job).toMatchObject({
      enabled: false,
      state: { autoDisabled: { reason: "consecutive-failures", consecutiveErrors: 10 } },
    });
    const { state } = await client.call("cron.update", { id, patch: { enabled: true } });
    expect(state).toMatchObject({ consecutiveErrors: 0 });
    expect(state.autoDisabled).toBeUndefined();
  });
});

describe("exactly once", () => {
  test("a job that is due again while it is at work waits for its next time", async () => {
    const gateway = await start();
    const { id } = await gateway.client.call(
      "cron.add",
      turnJob({ payload: { kind: "agentTurn", message: "go\nSLOW:60000 a b" } }),
    );
    await gateway.pass(HOUR);
    expect(await gateway.client.call("cron.run", { id })).toMatchObject({ ran: false, reason: "already-running" });
    await gateway.pass(HOUR);
    expect(gateway.services.scheduler.atWork).toBe(1);
    expect((await gateway.client.call("cron.get", { id })).nextRunAtMs).toBe(gateway.clock.now() + HOUR);
    await gateway.client.call("sessions.delete", { key: `agent:main:cron:${id}` });
    expect(await gateway.finished(id)).toMatchObject({ status: "error", error: "The run was stopped." });
  });

  test("a clock that goes back does not bring a time twice", async () => {
    const gateway = await start();
    const { client, clock } = gateway;
    const { id } = await client.call("cron.add", turnJob());
    await gateway.pass(HOUR);
    await gateway.finished(id);
    await gateway.pass(-HOUR / 2);
    await gateway.pass(HOUR / 2);
    expect((await runs(gateway, id)).total).toBe(1);
    const from = client.frames.length;
    await gateway.pass(HOUR);
    await gateway.finished(id, from);
    expect((await runs(gateway, id)).total).toBe(2);
    expect(clock.now()).toBe(1_700_000_000_000 + 2 * HOUR);
  });

  test("times that passed while the machine slept are made up for once, with a note", async () => {
    const gateway = await start();
    const { id } = await gateway.client.call("cron.add", turnJob());
    await gateway.pass(5.5 * HOUR);
    const entry = await gateway.finished(id);
    expect(entry.diagnostics.entries[0]).toMatchObject({ source: "cron-preflight", severity: "warn" });
    expect(entry.diagnostics.entries[0].message).toContain("5 times since");
    expect(entry.nextRunAtMs).toBe(gateway.clock.now() + HOUR / 2);
    await gateway.pass(1);
    expect((await runs(gateway, id)).total).toBe(1);
  });
});

describe("over a restart", () => {
  test("jobs and their times stay; what was missed is run once", async () => {
    const stateDir = lastingDir();
    const clock = new ManualClock();
    const before = await startCronGateway({ stateDir, clock });
    const { id } = await before.client.call("cron.add", turnJob());
    await before.stop();
    clock.advance(3 * HOUR);
    const after = await start({ stateDir, clock });
    const { entries, total } = await after.ran(id);
    expect(total).toBe(1);
    expect(entries[0]).toMatchObject({ status: "ok", runId: `cron:${id}:${1_700_000_000_000 + HOUR}` });
    expect(entries[0].diagnostics.summary).toContain("3 times since");
  });

  test("what was missed is skipped where the operator wants that, and the record says so", async () => {
    const stateDir = lastingDir();
    const clock = new ManualClock();
    const before = await startCronGateway({ stateDir, clock });
    const { id } = await before.client.call("cron.add", turnJob());
    await before.stop();
    clock.advance(3.5 * HOUR);
    const after = await start({ stateDir, clock, config: { cron: { skipMissedJobs: true } } });
    const { entries } = await after.ran(id);
    expect(entries[0]).toMatchObject({ status: "skipped", durationMs: 0 });
    expect(entries[0].error).toContain("3 times since");
    expect((await after.client.call("cron.get", { id })).nextRunAtMs).toBe(clock.now() + HOUR / 2);
    expect(after.model.calls).toHaveLength(0);
  });

  test("a job decides for itself what becomes of what it missed, whatever the operator's rule", async () => {
    const stateDir = lastingDir();
    const clock = new ManualClock();
    const before = await startCronGateway({ stateDir, clock });
    const add = async (over: object): Promise<string> => (await before.client.call("cron.add", turnJob(over))).id;
    const once = await add({ missedRuns: { policy: "once" } });
    const skip = await add({ missedRuns: { policy: "skip" } });
    const near = await add({ missedRuns: { policy: "within", windowMs: HOUR } });
    const far = await add({ missedRuns: { policy: "within", windowMs: HOUR / 4 } });
    const at = { kind: "at", at: inMs(clock, HOUR) };
    const single = await add({ schedule: at, missedRuns: { policy: "skip" } });
    await before.stop();
    clock.advance(3.5 * HOUR);
    const after = await start({ stateDir, clock, config: { cron: { skipMissedJobs: true } } });
    for (const id of [once, near]) {
      const { entries, total } = await after.ran(id);
      expect(total).toBe(1);
      expect(entries[0]).toMatchObject({ status: "ok" });
      expect(entries[0].diagnostics.summary).toContain("3 times since");
    }
    for (const id of [skip, far]) {
      const { entries, total } = await after.ran(id);
      expect(total).toBe(1);
      expect(entries[0]).toMatchObject({ status: "skipped" });
      expect((await after.client.call("cron.get", { id })).nextRunAtMs).toBe(clock.now() + HOUR / 2);
    }
    expect((await after.ran(single)).entries[0]).toMatchObject({ status: "skipped" });
    const left = await after.client.call("cron.get", { id: single });
    expect(left).toMatchObject({ enabled: false });
    expect(left.nextRunAtMs).toBeUndefined();
    expect(after.model.calls).toHaveLength(2);
  });

  test("the rule holds for a machine that slept, too; null takes it from a job again", async () => {
    const gateway = await start();
    const { client } = gateway;
    const { id } = await client.call("cron.add", turnJob({ missedRuns: { policy: "skip" } }));
    await gateway.pass(HOUR / 2);
    await gateway.pass(2 * HOUR);
    expect((await gateway.ran(id)).entries[0]).toMatchObject({ status: "skipped" });
    const { missedRuns } = await client.call("cron.update", { id, patch: { missedRuns: null } });
    expect(missedRuns).toBeUndefined();
    await gateway.pass(2 * HOUR);
    expect((await gateway.ran(id, 2)).entries[0]).toMatchObject({ status: "ok" });
  });

  test("a job that only waits for its turn has missed nothing", async () => {
    const gateway = await start();
    const { client } = gateway;
    const payload = { kind: "agentTurn", message: "go\nSLOW:60000 a b" };
    const busy = Array.from({ length: LIMITS.cronRunsAtOnce }, (_, index) =>
      turnJob({ name: `busy ${index}`, payload }),
    );
    const ids = [];
    for (const job of busy) ids.push((await client.call("cron.add", job)).id);
    const { id } = await client.call("cron.add", turnJob({ missedRuns: { policy: "skip" } }));
    await gateway.pass(HOUR);
    expect(gateway.services.scheduler.atWork).toBe(LIMITS.cronRunsAtOnce);
    await gateway.pass(HOUR / 2);
    expect((await runs(gateway, id)).total).toBe(0);
    for (const each of ids) await client.call("cron.remove", { id: each });
    await client.call("sessions.abort", { key: `agent:main:cron:${ids[0]}` });
    await gateway.pass(1000);
    expect((await gateway.ran(id)).entries[0]).toMatchObject({ status: "ok" });
  });

  test("a run that was cut off is recorded; what had a single time is tried again, nothing else", async () => {
    const stateDir = lastingDir();
    const clock = new ManualClock();
    const before = await startCronGateway({ stateDir, clock });
    const hang = { kind: "agentTurn", message: "go\nSLOW:60000 a b" };
    const hourly = await before.client.call("cron.add", turnJob({ payload: hang }));
    const once = await before.client.call(
      "cron.add",
      turnJob({ payload: hang, schedule: { kind: "at", at: inMs(clock, HOUR) } }),
    );
    await before.pass(HOUR);
    expect(before.services.scheduler.atWork).toBe(2);
    // What a crash leaves: the files as they are while the runs are at work.
    const crashed = lastingDir();
    cpSync(stateDir, crashed, { recursive: true });
    await before.stop();

    const after = await startCronGateway({ stateDir: crashed, clock });
    const { entries } = await after.ran(hourly.id);
    expect(entries[0]).toMatchObject({ status: "error", completionStatus: "failed" });
    expect(entries[0].error).toContain("The gateway stopped");
    await after.ran(once.id);
    await after.pass(1000);
    expect(after.services.scheduler.isRunning(once.id)).toBe(true);
    expect(after.services.scheduler.isRunning(hourly.id)).toBe(false);
    await after.stop();
  });

  test("an orderly stop ends what is at work", async () => {
    const gateway = await start();
    const { id } = await gateway.client.call(
      "cron.add",
      turnJob({ payload: { kind: "agentTurn", message: "go\nSLOW:60000 a b" } }),
    );
    await gateway.pass(HOUR);
    await stopServices(gateway.services);
    expect(gateway.services.scheduler.atWork).toBe(0);
    expect((await runs(gateway, id)).entries[0]).toMatchObject({ status: "error" });
  });
});

test("nothing runs by itself where automations are turned off", async () => {
  const gateway = await start({ config: { cron: { enabled: false } } });
  const { id } = await gateway.client.call("cron.add", turnJob());
  expect(await gateway.client.call("cron.status")).toMatchObject({ enabled: false, nextWakeAtMs: null });
  await gateway.pass(2 * HOUR);
  expect((await runs(gateway, id)).total).toBe(0);
  await gateway.client.call("cron.run", { id });
  expect(await gateway.finished(id)).toMatchObject({ status: "ok" });
});

test("a run by hand leaves the job its time", async () => {
  const gateway = await start();
  const { client } = gateway;
  const { id, nextRunAtMs } = await client.call("cron.add", turnJob());
  expect(await client.call("cron.run", { id, mode: "due" })).toMatchObject({ ran: false, reason: "not-due" });
  const { runId, processInstanceId } = await client.call("cron.run", { id });
  expect(runId).toMatch(new RegExp(`^manual:${id}:\\d+:1$`));
  const { job } = await gateway.finished(id);
  expect(job.state.nextRunAtMs).toBe(nextRunAtMs);
  expect((await client.call("cron.runs", { runId })).total).toBe(1);
  const { error } = await client.request("cron.run", { id, expectedProcessInstanceId: `${processInstanceId}x` });
  expect(error.message).toContain("Gateway process changed");
  await client.call("cron.update", { id, patch: { enabled: false } });
  expect(await client.call("cron.run", { id, mode: "if-enabled" })).toMatchObject({ ran: false, reason: "disabled" });
});

test("a system event waits for the next turn of the main session, and is told once", async () => {
  const gateway = await start();
  const { client, model, clock } = gateway;
  const { id } = await client.call("cron.add", {
    name: "reminder",
    schedule: { kind: "at", at: inMs(clock, HOUR) },
    wakeMode: "next-heartbeat",
    payload: { kind: "systemEvent", text: "water the plants" },
  });
  await gateway.pass(HOUR);
  expect(await gateway.finished(id)).toMatchObject({ status: "ok", summary: "water the plants" });
  expect(model.calls).toHaveLength(0);
  for (const [runId, tells] of [
    ["first", true],
    ["second", false],
  ] as const) {
    await client.call("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: runId });
    await chatEnd(client, runId);
    const asked = lastMessage(model.calls.at(-1)!.body);
    expect(asked).toEndWith("hello");
    expect(asked.includes("] water the plants\n")).toBe(tells);
  }
  expect(await transcript(gateway, "agent:main:main")).toContain("user: hello");
});

const lastMessage = (body: unknown): string => (body as { messages: { content: string }[] }).messages.at(-1)!.content;
