import { expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import { EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Store } from "../store/store.ts";
import { NOT_ASKED } from "./at-work.ts";
import type { Job, RunEntry, Schedule } from "./job.ts";
import { JobRepository } from "./job-repository.ts";
import { RunRepository } from "./run-repository.ts";
import { nextTimes } from "./schedule.ts";
import { Scheduler } from "./scheduler.ts";
import { cronTimes, randomFrom } from "./testing-oracle.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A day before the clocks of Berlin are put forward. */
const START = Date.parse("2026-03-28T03:17:00Z");

/** What a job did: a run or a time that it was not run at. The end is missing while a run is at work. */
interface Seen {
  due: number;
  begun: number;
  ended?: number;
}

/** A scheduler on a database that outlives it, with runs that end when the test says so. */
class World {
  readonly clock = new ManualClock(START);
  readonly store = Store.open(":memory:");
  readonly jobs = new JobRepository(this.store, LIMITS);
  readonly history = new RunRepository(this.store);
  readonly seen = new Map<string, Seen>();
  readonly begunTwice: string[] = [];
  private readonly open = new Map<string, () => void>();
  private scheduler = this.newScheduler();

  get now(): number {
    return this.clock.now();
  }

  async add(schedule: Schedule, missedRuns?: Job["missedRuns"]): Promise<void> {
    const id = `job-${(await this.jobs.all()).length}`;
    const next = await nextTimes(schedule, id);
    await this.jobs.add({
      id,
      name: id,
      enabled: true,
      createdAtMs: this.now,
      updatedAtMs: this.now,
      schedule,
      sessionTarget: "main",
      wakeMode: "now",
      payload: { kind: "systemEvent", text: "x" },
      ...(missedRuns && { missedRuns }),
      state: { nextRunAtMs: next(this.now)! },
    } as Job);
  }

  async begin(): Promise<void> {
    await this.scheduler.start();
    await this.settle();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  /** Ends some of the runs at work. */
  async end(chance: () => boolean): Promise<void> {
    for (const [runId, finish] of [...this.open]) {
      if (!chance()) continue;
      this.open.delete(runId);
      this.seen.get(runId)!.ended = this.now;
      finish();
    }
    await this.settle();
  }

  /** The process ends without a word, and another one begins after a while. What was at work never ends. */
  async crash(downMs: number): Promise<void> {
    this.scheduler.halt();
    for (const runId of this.open.keys()) this.seen.get(runId)!.ended = this.now;
    this.open.clear();
    this.clock.advance(downMs);
    this.scheduler = this.newScheduler();
    await this.begin();
  }

  async stop(): Promise<void> {
    await this.end(() => true);
    await this.scheduler.stop();
    this.store.close();
  }

  async records(): Promise<RunEntry[]> {
    return (await this.history.page({ limit: 100_000, offset: 0, sortDir: "asc" })).entries;
  }

  get atWork(): number {
    return this.open.size;
  }

  private async settle(): Promise<void> {
    await this.scheduler.tick();
    // What a run's end brings about takes some turns of the event loop.
    for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
    await this.scheduler.tick();
  }

  private newScheduler(): Scheduler {
    return new Scheduler({
      jobs: this.jobs,
      history: this.history,
      config: { current: {}, onChange: () => () => {} } as unknown as ConfigPort,
      bus: new EventBus(),
      clock: this.clock,
      log: silentLogger,
      ownerOf: () => "main",
      converge: async () => {},
      watch: { look() {}, async stop() {} },
      report: async () => {},
      perform: (_job, { runId, startedAt }) => {
        if (this.seen.has(runId)) this.begunTwice.push(runId);
        this.seen.set(runId, { due: Number(runId.split(":")[2]), begun: startedAt });
        const { promise, resolve } = Promise.withResolvers<void>();
        this.open.set(runId, resolve);
        return promise.then(() => ({ execution: { status: "ok" as const, summary: "done" }, report: NOT_ASKED }));
      },
    });
  }
}

/** All times at which a job was due within a span, by the oracle. */
function dueTimes(schedule: Schedule, from: number, to: number): number[] {
  if (schedule.kind === "cron") return cronTimes(schedule.expr, schedule.tz!, from, to);
  if (schedule.kind === "at") return [Date.parse(schedule.at)].filter((at) => at > from && at <= to);
  if (schedule.kind !== "every") return [];
  const found: number[] = [];
  for (let at = schedule.anchorMs!; at <= to; at += schedule.everyMs) if (at > from) found.push(at);
  return found;
}

const JOBS: readonly (readonly [Schedule, Job["missedRuns"]?])[] = [
  [{ kind: "every", everyMs: 40 * SECOND, anchorMs: START }, { policy: "once" }],
  [{ kind: "every", everyMs: 7 * MINUTE, anchorMs: START }, { policy: "skip" }],
  [
    { kind: "every", everyMs: HOUR, anchorMs: START },
    { policy: "within", windowMs: 10 * MINUTE },
  ],
  [{ kind: "cron", expr: "30 2 * * *", tz: "Europe/Berlin" }],
  [{ kind: "cron", expr: "15,45 */20 1-4 * * *", tz: "Europe/Berlin" }, { policy: "once" }],
  [{ kind: "cron", expr: "0 */2 * * *", tz: "America/New_York" }, { policy: "skip" }],
  [{ kind: "at", at: new Date(START + 26 * HOUR).toISOString() }],
];

/** The records of each job, in the order in which they were due. */
async function byJob(world: World): Promise<Map<string, RunEntry[]>> {
  const found = new Map<string, RunEntry[]>();
  for (const entry of await world.records()) found.set(entry.jobId, [...(found.get(entry.jobId) ?? []), entry]);
  return found;
}

const dueOf = (entry: RunEntry): number => Number(entry.runId!.split(":")[2]);

type Random = () => number;
type Step = (world: World, random: Random) => Promise<void>;

const STEPS: readonly Step[] = [
  (world, random) => world.pass(Math.floor(random() * 90 * SECOND)),
  (world, random) => world.pass(Math.floor(random() * 90 * SECOND)),
  (world, random) => world.pass(Math.floor(random() * 20 * MINUTE)),
  // The machine sleeps, or its clock jumps ahead.
  (world, random) => world.pass(Math.floor(random() * 9 * HOUR)),
  (world, random) => world.crash(Math.floor(random() * 3 * HOUR)),
  (world) => world.crash(0),
];

async function live(seed: number, steps: readonly Step[]): Promise<World> {
  const random = randomFrom(seed);
  const world = new World();
  for (const [schedule, missed] of JOBS) await world.add(schedule, missed);
  await world.begin();
  for (let count = 0; count < 60; count++) {
    await steps[Math.floor(random() * steps.length)]!(world, random);
    if (random() < 0.8) await world.end(() => random() < 0.7);
  }
  await world.end(() => true);
  // What was at work at the last crash has been accounted for by now.
  await world.crash(0);
  await world.end(() => true);
  return world;
}

for (let seed = 1; seed <= 12; seed++) {
  test(`each due time is run or skipped exactly once, over restarts and sleep (seed ${seed})`, async () => {
    const world = await live(seed, STEPS);
    const { now } = world;
    expect(world.begunTwice).toEqual([]);
    const records = await byJob(world);
    const all = [...records.values()].flat();
    expect(new Set(all.map(({ runId }) => runId)).size).toBe(all.length);
    // Whatever has begun has one record, and only what was not run at all has one without.
    const ran = all.filter(({ status }) => status !== "skipped").map(({ runId }) => runId!);
    expect(ran.sort()).toEqual([...world.seen.keys()].sort());
    for (const [index, [schedule, missed]] of JOBS.entries()) {
      const entries = (records.get(`job-${index}`) ?? []).sort((a, b) => dueOf(a) - dueOf(b));
      const times = dueTimes(schedule, START, now);
      let until = START;
      for (const entry of entries) {
        const due = dueOf(entry);
        // A cut off run of a single time is tried again under another one.
        if (schedule.kind !== "at") expect([entry.runId, times.includes(due)]).toEqual([entry.runId, true]);
        expect(due).toBeGreaterThan(until);
        // Nothing has been due between two records: every time belongs to one of them.
        const lost = times.filter((at) => at > until + LIMITS.cronMinGapMs && at < due);
        expect([entry.runId, lost]).toEqual([entry.runId, []]);
        const isLate = entry.runAtMs! - due > LIMITS.cronLateMs;
        const last = times.findLast((at) => at <= entry.runAtMs!) ?? due;
        const runsLate =
          missed?.policy === "skip"
            ? false
            : missed?.policy === "within"
              ? entry.runAtMs! - last <= missed.windowMs
              : true;
        expect([entry.runId, entry.status === "skipped"]).toEqual([entry.runId, isLate && !runsLate]);
        if (isLate && entry.status === "ok") expect(entry.diagnostics?.entries[0]?.message).toContain(" late: due ");
        // While a run is at work further times pass by; one that a crash cut off was at work until then.
        until = world.seen.get(entry.runId!)?.ended ?? entry.ts;
      }
      expect(times.filter((at) => at > until + LIMITS.cronMinGapMs && at <= now)).toEqual([]);
    }
    await world.stop();
  }, 60_000);
}

for (let seed = 101; seed <= 108; seed++) {
  test(`no due time is run twice when the clock goes back, too (seed ${seed})`, async () => {
    const back: Step = (world, random) => world.pass(-Math.floor(random() * 5 * HOUR));
    const world = await live(seed, [...STEPS, back, back]);
    expect(world.begunTwice).toEqual([]);
    const records = (await byJob(world)).values();
    const all = [...records].flat();
    expect(new Set(all.map(({ runId }) => runId)).size).toBe(all.length);
    const ran = all.filter(({ status }) => status !== "skipped").map(({ runId }) => runId!);
    expect(ran.sort()).toEqual([...world.seen.keys()].sort());
    // However the clock went, time goes on for every job that recurs: no further ahead than its next time.
    for (const job of await world.jobs.all()) {
      if (job.schedule.kind === "at") continue;
      const next = await nextTimes(job.schedule, job.id);
      expect([job.id, job.enabled]).toEqual([job.id, true]);
      const latest = Math.max(world.now, job.state.lastRunAtMs ?? 0, ...all.map(({ ts }) => ts));
      expect(job.state.nextRunAtMs!).toBeLessThanOrEqual(next(latest)!);
    }
    await world.stop();
  }, 60_000);
}
