import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import { CUT_OFF } from "./agent-turn.ts";
import { judgeRun, type Notice } from "./alert.ts";
import { AtWork, type Cancellation, cancelledExecution, lasting, NOT_ASKED, noted, toldJob } from "./at-work.ts";
import { given, type Job, publicJob, type RunEntry } from "./job.ts";
import type { Ended, JobRepository } from "./job-repository.ts";
import { lateNote, missedEntry, missedTimes, runsLate } from "./missed.ts";
import { afterRun, type DeliveryReport, type Execution, entryOf, unscheduled, without } from "./outcome.ts";
import type { RunRepository, RunStart } from "./run-repository.ts";
import { following, type NextTime, nextTimes } from "./schedule.ts";
import type { Fired } from "./sources/types.ts";

export interface SchedulerDeps {
  jobs: JobRepository;
  history: RunRepository;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** Whose job it is. */
  ownerOf(job: Job): string;
  /** Makes the jobs that the gateway keeps by itself what the configuration says. */
  converge(): Promise<void>;
  /** Does what a job says and takes the result where it wants it. */
  perform(job: Job, run: RunStart, signal: AbortSignal): Promise<{ execution: Execution; report: DeliveryReport }>;
  /** Keeps at work what jobs watch, or with `false` ends it; looks at what waits. */
  watch: { look(isOn: boolean): void; stop(): Promise<void> };
  /** Tells of a run that has ended whoever is to know of it. */
  report(job: Job, entry: RunEntry, notice: Notice | undefined): Promise<void>;
}

/** Of a run that is no plain one. */
interface More {
  late?: Line;
  words?: string;
  error?: string;
}

type Line = NonNullable<Execution["diagnostics"]>["entries"][number];

/**
 * Runs jobs when they are due. One timer waits for the next one, never longer than a minute, so that a clock that was
 * set or a machine that slept is noticed. A run is on disk before it begins, under an id made of the job and the time it
 * was due: the same time cannot run twice, whatever the clock does.
 */
export class Scheduler {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly running = new AtWork();
  private stopped = true;
  private ticking: Promise<void> | undefined;
  private lastTick = 0;
  /** Up to here every job that was due has been looked at: one that is due earlier waits for its turn. */
  private seenUntil = 0;
  private paused = false;
  private readonly unsubscribe: () => void;

  constructor(private readonly deps: SchedulerDeps) {
    this.unsubscribe = deps.config.onChange(() => void this.converge());
  }

  /** False when the operator has turned automations off; jobs can still be run by hand. */
  get enabled(): boolean {
    return this.deps.config.current.cron?.enabled !== false && process.env.OPENCLAW_SKIP_CRON !== "1";
  }

  isRunning(jobId: string): boolean {
    return this.running.has(jobId);
  }

  get atWork(): number {
    return this.running.size;
  }

  /** Accounts for what the last stop left, then begins to wait. */
  async start(): Promise<void> {
    this.stopped = false;
    const { history, clock } = this.deps;
    await history.prune(clock.now() - LIMITS.cronRunTtlMs);
    for (const run of await history.unfinished()) await this.endCutOff(run);
    this.lastTick = clock.now();
    await this.converge();
  }

  private async converge(): Promise<void> {
    try {
      if (!this.stopped) await this.deps.converge();
    } catch (error) {
      this.deps.log.error("the jobs of heartbeats could not be kept", { error });
    }
    this.wake();
  }

  /** Begins nothing more. Resolves when the runs at work have ended, which is for their rooms to bring about. */
  async stop(): Promise<void> {
    this.halt();
    await this.ticking;
    await this.deps.watch.stop();
    await this.running.settled();
  }

  /** Begins nothing that is due until it is told to go on. What became due meanwhile is then begun. */
  pause(isPaused: boolean): void {
    this.paused = isPaused;
    this.wake();
  }

  /** Begins nothing more, at once. */
  halt(): void {
    this.stopped = true;
    this.running.endAll();
    this.unsubscribe();
    clearTimeout(this.timer);
  }

  /** Looks again when the next job is due; to be called after jobs have changed. */
  wake(): void {
    this.deps.watch.look(!this.stopped && this.enabled);
    void this.arm().catch((error) => this.deps.log.error("the next scheduled job could not be read", { error }));
  }

  /** Begins every job that is due now. */
  tick(): Promise<void> {
    this.ticking ??= this.beginDue().finally(() => {
      this.ticking = undefined;
    });
    return this.ticking;
  }

  /** Begins a run that somebody asked for. False when the job is gone or at work. */
  runNow(job: Job, runId: string): Promise<boolean> {
    const { clock, ownerOf } = this.deps;
    const run: RunStart = { runId, jobId: job.id, agentId: ownerOf(job), startedAt: clock.now() };
    return this.begin(run, (known) => ({ ...known, state: { ...known.state, runningAtMs: run.startedAt } }));
  }

  private async arm(): Promise<void> {
    const next = this.stopped || this.paused || !this.enabled ? null : await this.deps.jobs.nextDueAt();
    clearTimeout(this.timer);
    if (next === null || this.stopped || this.paused) return;
    const delay = Math.min(
      Math.max(next - this.deps.clock.now(), this.busy ? LIMITS.cronMinGapMs : 0),
      LIMITS.cronTimerMs,
    );
    this.timer = setTimeout(() => {
      this.tick()
        .catch((error) => this.deps.log.error("scheduled jobs could not be begun", { error }))
        .finally(() => this.wake());
    }, delay);
    this.timer.unref();
  }

  private get busy(): boolean {
    return this.running.size >= LIMITS.cronRunsAtOnce;
  }

  private async beginDue(): Promise<void> {
    const { clock, jobs } = this.deps;
    const now = clock.now();
    if (now < this.lastTick - LIMITS.cronLateMs) await this.clockWentBack(now);
    this.lastTick = now;
    if (!this.enabled) return;
    await this.skipMissed(now);
    for (const job of await jobs.due(now, LIMITS.cronMaxJobs)) {
      if (this.busy || this.stopped || this.paused || !this.enabled) return;
      if (this.running.has(job.id)) await this.passOver(job, now);
      else await this.beginScheduled(job, now);
    }
  }

  private async beginScheduled(job: Job, now: number): Promise<void> {
    const due = job.state.nextRunAtMs!;
    const next = await this.timesOf(job);
    if (next === null) return;
    const run: RunStart = {
      runId: `cron:${job.id}:${due}`,
      jobId: job.id,
      agentId: this.deps.ownerOf(job),
      startedAt: now,
    };
    const late = now - due > LIMITS.cronLateMs ? lateNote(missedTimes(next, due, now), now) : undefined;
    await this.begin(
      run,
      (known) => {
        if (!known.enabled || known.state.nextRunAtMs !== due) return null;
        const state = {
          ...without(known.state, "nextRunAtMs"),
          runningAtMs: now,
          ...given({ nextRunAtMs: following(next, now) }),
        };
        return { ...known, state };
      },
      { late },
    );
  }

  /** A job that is not run now waits for its next time; one that has no other is turned off. */
  private async passOver(job: Job, now: number): Promise<void> {
    const due = job.state.nextRunAtMs;
    const next = await this.timesOf(job);
    if (next === null) return;
    await this.deps.jobs.change(job.id, (known) => {
      if (known?.state.nextRunAtMs !== due) return null;
      return {
        ...known!,
        enabled: known!.enabled && known!.schedule.kind !== "at",
        state: { ...without(known!.state, "nextRunAtMs"), ...given({ nextRunAtMs: following(next, now) }) },
      };
    });
  }

  /** Ends a job's run that an operator does not want any more. False when none is at work. */
  cancel(jobId: string, why: Cancellation): boolean {
    return this.running.cancel(jobId, why);
  }

  /**
   * Begins a run that something else than the time has caused, with words behind those of the job, or instead of them
   * with an error that is the whole run. `decide` gives the job as it is while it runs, or null when it is not meant.
   */
  async fire(
    jobId: string,
    more: { words?: string; error?: string },
    decide: (job: Job) => Job | null,
  ): Promise<Fired> {
    const { jobs, clock, ownerOf } = this.deps;
    const job = await jobs.find(jobId);
    if (job === null || this.stopped) return "gone";
    if (this.running.has(jobId) || this.busy || this.paused || !this.enabled) return "later";
    const startedAt = clock.now();
    const run: RunStart = { runId: `cron:${jobId}:${startedAt}:${uuid()}`, jobId, agentId: ownerOf(job), startedAt };
    const begun = await this.begin(
      run,
      (known) => {
        const next = decide(known);
        return next && { ...next, state: { ...next.state, runningAtMs: startedAt } };
      },
      more,
    );
    return begun ? "begun" : "gone";
  }

  private async begin(run: RunStart, decide: (job: Job) => Job | null, more: More = {}): Promise<boolean> {
    if (this.running.has(run.jobId) || this.stopped) return false;
    // Before the write, so that nobody else begins the job meanwhile.
    const { signal, release } = this.running.take(run.jobId);
    let job: Job | null;
    try {
      job = await this.deps.jobs.begin(run.jobId, run, decide);
    } catch (error) {
      release();
      throw error;
    }
    if (job === null) {
      release();
      return false;
    }
    // A watch ends with what it has waited for.
    if (more.words !== undefined && !job.enabled) {
      this.publish("updated", { ...job, state: without(job.state, "runningAtMs") });
    }
    this.publish("started", job, { runAtMs: run.startedAt });
    void this.work(job, run, signal, more).finally(() => {
      release();
      this.wake();
    });
    return true;
  }

  /** One run from its begin to its end. Never rejects. */
  private async work(job: Job, run: RunStart, signal: AbortSignal, more: More) {
    const { perform, log, clock } = this.deps;
    const { words, error } = more;
    const fail = (error: string) => ({ execution: { status: "error" as const, error }, report: NOT_ASKED });
    try {
      const told = words === undefined ? job : toldJob(job, words);
      const performed = error === undefined ? perform(told, run, signal) : Promise.resolve(fail(error));
      const done = await performed.catch((error): { execution: Execution; report: DeliveryReport } => {
        log.error("a job failed unexpectedly", { jobId: job.id, error });
        return fail("The gateway could not run this job.");
      });
      const cancelled = this.running.cancellation(job.id);
      const execution = cancelled === undefined ? done.execution : cancelledExecution(cancelled);
      const report = cancelled === undefined ? done.report : NOT_ASKED;
      await this.finish(job, run, noted(execution, more.late, clock.now()), report, cancelled !== undefined);
    } catch (error) {
      log.error("the end of a job's run could not be stored", { jobId: job.id, error });
    }
  }

  private async finish(job: Job, run: RunStart, execution: Execution, report: DeliveryReport, cancelled: boolean) {
    const { jobs, clock, config } = this.deps;
    const endedAt = clock.now();
    let notice: Notice | undefined;
    const next = await nextTimes(job.schedule, job.id);
    const { diagnostics } = execution;
    const base = entryOf(
      { ...run, endedAt },
      { ...execution, ...given({ diagnostics: lasting(diagnostics) }) },
      report,
    );
    const ended = await jobs.end(run, (known) => {
      if (known === null) return { entry: base, after: null };
      // A job that was given other times meanwhile keeps them.
      const manual =
        run.runId.startsWith("manual:") || known.state.scheduleActivatedAtMs !== job.state.scheduleActivatedAtMs;
      const after = afterRun(known, base, { ...execution, manual, next });
      const nextRunAtMs = after === "remove" || !after.enabled ? undefined : after.state.nextRunAtMs;
      const judged = judgeRun(after === "remove" ? known : after, base, config.current.cron?.failureAlert);
      // Whoever ended the run knows of it.
      notice = cancelled ? undefined : judged.notice;
      const failureNotificationDelivery = notice && { status: "unknown" as const };
      const entry = { ...base, ...given({ nextRunAtMs, failureNotificationDelivery }) };
      return { entry, after: after === "remove" ? after : { ...after, state: judged.state } };
    });
    this.tell({ ...ended, job: ended.job ?? job }, diagnostics);
    if (ended.job !== null) await this.deps.report(ended.job, ended.entry, notice);
  }

  private tell({ job, entry, removed }: Ended & { job: Job }, diagnostics: Execution["diagnostics"]): void {
    const { ts, jobId, action, ...facts } = entry;
    this.publish("finished", job, { ...facts, ...given({ diagnostics }) });
    if (removed) this.publish("removed", job);
  }

  /** Tells of a job, and of when it is due next if the change is about that. */
  publish(action: "added" | "updated" | "removed" | "started" | "finished", job: Job, facts: object = {}): void {
    const { nextRunAtMs } = job.state;
    const due = action === "added" || action === "updated" ? given({ nextRunAtMs }) : {};
    this.deps.bus.publish("cron", { jobId: job.id, action, job: publicJob(job), ...due, ...facts });
  }

  /** A run that the end of the process cut off. What has a single time is tried again. */
  private async endCutOff(run: RunStart): Promise<void> {
    const { jobs, clock, log } = this.deps;
    const execution: Execution = { status: "error", error: CUT_OFF, interrupted: true };
    const entry = entryOf({ ...run, endedAt: clock.now() }, execution, NOT_ASKED);
    await jobs.end(run, (known) => {
      if (known === null) return { entry, after: null };
      const manual = run.runId.startsWith("manual:") || known.schedule.kind !== "at";
      return { entry, after: afterRun(known, entry, { manual, next: () => undefined, interrupted: true }) };
    });
    log.warn("a job was at work when the gateway stopped", { jobId: run.jobId, runId: run.runId });
  }

  /** Writes down what jobs have missed that are not to be run late, and goes on with their next time. */
  private async skipMissed(now: number): Promise<void> {
    const { jobs, history, ownerOf, config } = this.deps;
    const from = this.seenUntil;
    this.seenUntil = now;
    for (const job of await jobs.due(now - LIMITS.cronLateMs, LIMITS.cronMaxJobs)) {
      const due = job.state.nextRunAtMs!;
      if (due <= from || this.running.has(job.id)) continue;
      const next = await this.timesOf(job);
      if (next === null) continue;
      const missed = missedTimes(next, due, now);
      if (runsLate(job, missed, now, config.current.cron?.skipMissedJobs === true)) continue;
      const run = { runId: `cron:${job.id}:${due}`, jobId: job.id, agentId: ownerOf(job), startedAt: now };
      await history.record({ ...run, entry: missedEntry(run, missed) }, LIMITS.cronRunsPerJob);
      await this.passOver(job, now);
    }
  }

  /** Times that were computed ahead of a clock that went back would be waited for too long. */
  private async clockWentBack(now: number): Promise<void> {
    const { jobs, log } = this.deps;
    log.warn("the clock went back; the times of scheduled jobs are computed anew", { byMs: this.lastTick - now });
    for (const job of await jobs.all()) {
      if (!job.enabled || job.schedule.kind === "at" || this.running.has(job.id)) continue;
      const next = await this.timesOf(job);
      const ran = job.state.lastRunAtMs ?? 0;
      // What has run already is not run again when its hour comes a second time, unless that run was far ahead.
      const after = ran - now <= LIMITS.cronClockBackMs ? Math.max(now, ran) : now;
      if (next !== null) await this.change(job.id, (state) => ({ ...state, ...given({ nextRunAtMs: next(after) }) }));
    }
  }

  /** The times of a job; one whose schedule cannot be computed any more is turned off after some attempts. */
  private async timesOf(job: Job): Promise<NextTime | null> {
    const now = this.deps.clock.now();
    try {
      const next = await nextTimes(job.schedule, job.id);
      next(now);
      return next;
    } catch (error) {
      const count = (job.state.scheduleErrorCount ?? 0) + 1;
      this.deps.log.error("the times of a job cannot be computed", { jobId: job.id, error });
      await this.deps.jobs.change(job.id, (known) => known && unscheduled(known, error, count, now));
      return null;
    }
  }

  private async change(id: string, update: (state: Job["state"]) => Job["state"]): Promise<void> {
    await this.deps.jobs.change(id, (known) => known && { ...known, state: update(known.state) });
  }
}
