import { basename } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type {
  CronAddParams,
  CronGetParams,
  CronListParams,
  CronRunParams,
  CronRunsParams,
  CronScratchSetParams,
  CronScratchSetResult,
  CronUpdateParams,
  WakeParams,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { ownerRequired } from "../agents/roster.ts";
import { screenInbound } from "../agents/screening.ts";
import type { Sender } from "../agents/sender.ts";
import type { SystemEvents } from "../agents/system-events.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { checkJob, checkMoment } from "./check-job.ts";
import { previewDelivery } from "./delivery.ts";
import { isReservedKey, isSystemOwned } from "./heartbeat-jobs.ts";
import type { HeartbeatTurns } from "./heartbeat-turns.ts";
import { given, type Job, revisionOf, viewOf } from "./job.ts";
import type { JobRepository } from "./job-repository.ts";
import { listJobs } from "./list.ts";
import { newJob } from "./new-job.ts";
import { without } from "./outcome.ts";
import type { Pacing } from "./pacing.ts";
import { FRESH_START, patched, renewedSource } from "./patch-job.ts";
import type { RunRepository } from "./run-repository.ts";
import type { NextTime } from "./schedule.ts";
import type { Scheduler } from "./scheduler.ts";
import type { ScratchRepository } from "./scratch-repository.ts";
import { STREAMS_OFF } from "./sources/sources.ts";

export interface CronDeps {
  jobs: JobRepository;
  history: RunRepository;
  scratch: ScratchRepository;
  scheduler: Scheduler;
  agents: AgentCatalogue;
  sessions: Sessions;
  systemEvents: SystemEvents;
  heartbeatTurns: HeartbeatTurns;
  defender: DefenderPort;
  clock: Clock;
  /** The database as `cron.status` names it. */
  storePath: string;
  /** Whose job it is. */
  ownerOf(job: Job): string;
  pacing: Pacing;
  /** False when the operator wants no commands that run by themselves. */
  streamsAllowed(): boolean;
}

const DEFAULT_PAGE = 50;

/** Scheduled jobs, as the `cron.*` methods see them (docs: automation/cron-jobs). */
export class Cron {
  /** Names this process, so that a caller notices a restart between two calls. */
  private readonly processInstanceId = uuid();
  private manualRuns = 0;

  constructor(private readonly deps: CronDeps) {}

  /** `cron.add`: a new job, or with a `declarationKey` the one of that key as it is told to be. @throws GatewayError */
  async add(params: CronAddParams) {
    const { jobs, clock, scheduler } = this.deps;
    const now = clock.now();
    if (isReservedKey(params.declarationKey ?? "")) throw reserved(params.declarationKey!);
    const known = params.declarationKey === undefined ? null : await jobs.findDeclared(params.declarationKey);
    if (known !== null) return this.converge(known, params, now);
    const job = await this.checked(newJob(params, now), "cron.add", now);
    await jobs.add(job);
    scheduler.publish("added", job);
    scheduler.wake();
    const deliveryPreview = previewDelivery(job);
    if (params.declarationKey === undefined) return { ...viewOf(job), deliveryPreview };
    return { created: true, job: viewOf(job), deliveryPreview };
  }

  /** `cron.update`. @throws GatewayError when there is no such job, or not as the caller knows it */
  async update(params: CronUpdateParams) {
    const { jobs, clock, scheduler } = this.deps;
    const now = clock.now();
    const known = await this.known(params);
    if (isSystemOwned(known)) throw systemOwned("edited");
    const { job: wanted, rescheduled } = patched(known, params.patch, now);
    const next = await this.timesOf(wanted, "cron.update", now, rescheduled);
    const job = await jobs.change(known.id, (current) => {
      if (current === null) throw notFound(known.id);
      checkRevision(current, params.expectedConfigRevision);
      // Laid over what the job is by now: a run may have ended meanwhile.
      const { job } = patched(current, params.patch, now);
      return rescheduled ? timed(job, next, now) : job;
    });
    scheduler.publish("updated", job!);
    if (!job!.enabled && known.enabled) scheduler.cancel(job!.id, "Cron job disabled by operator.");
    scheduler.wake();
    return viewOf(job!);
  }

  /** `cron.remove`. A run at work is ended and recorded. @throws GatewayError when there is no such job */
  async remove(params: CronGetParams) {
    const { jobs, scheduler } = this.deps;
    if (isSystemOwned(await this.known(params))) throw systemOwned("removed");
    const removed = await jobs.remove(idOf(params));
    if (removed === null) throw notFound(idOf(params));
    scheduler.publish("removed", removed);
    const wasAtWork = scheduler.cancel(removed.id, "Cron job removed by operator.");
    scheduler.wake();
    return { ok: true as const, removed: true, ...(wasAtWork && { sessionCleanup: "pending" }) };
  }

  /** `cron.get`. @throws GatewayError when there is no such job */
  async get(params: CronGetParams) {
    const job = await this.deps.jobs.find(idOf(params));
    if (job === null) throw notFound(idOf(params), "cron job not found");
    return viewOf(job);
  }

  async list(params: CronListParams) {
    return listJobs(await this.deps.jobs.all(), params, this.deps.ownerOf);
  }

  /**
   * `cron.status`. Trigger scripts are not run by this gateway.
   * @param complete where the database lies, too, which is not for every reader (CVE-2026-41339)
   */
  async status(complete: boolean) {
    const { jobs, scheduler } = this.deps;
    const storePath = complete ? this.deps.storePath : basename(this.deps.storePath);
    const [all, nextWakeAtMs] = await Promise.all([jobs.all(), jobs.nextDueAt()]);
    return {
      enabled: scheduler.enabled,
      triggersEnabled: false,
      storePath,
      storage: "sqlite",
      sqlitePath: storePath,
      jobs: all.length,
      nextWakeAtMs: scheduler.enabled ? nextWakeAtMs : null,
    };
  }

  /**
   * `cron.run`: begins a run and does not wait for its end. `due` only runs what is due, `if-enabled` what is not turned
   * off, `force` (the default) anything.
   * @throws GatewayError when there is no such job, or too many runs are at work
   */
  async run(params: CronRunParams) {
    const { scheduler, clock } = this.deps;
    const { processInstanceId } = this;
    const job = await this.known(params);
    const { mode = "force", expectedProcessInstanceId = processInstanceId } = params;
    if (expectedProcessInstanceId !== processInstanceId) {
      throw invalidRequest("invalid cron.run params: Gateway process changed after preflight");
    }
    const now = clock.now();
    const notRun = (reason: string) => ({ ok: true as const, ran: false as const, reason, processInstanceId });
    const isDue = job.enabled && (job.state.nextRunAtMs ?? Number.POSITIVE_INFINITY) <= now;
    if (mode === "due" && !isDue) return notRun("not-due");
    if (mode === "if-enabled" && !job.enabled) return notRun("disabled");
    if (scheduler.isRunning(job.id)) return notRun("already-running");
    if (scheduler.atWork >= LIMITS.cronManualRunsAtOnce) {
      throw new GatewayError("UNAVAILABLE", "Too many jobs are at work. Try again later.", { retryable: true });
    }
    const runId = `manual:${job.id}:${now}:${++this.manualRuns}`;
    if (!(await scheduler.runNow(job, runId))) return notRun("already-running");
    return { ok: true as const, enqueued: true as const, runId, processInstanceId };
  }

  /** `cron.runs`: finished runs of one job, or of all. @throws GatewayError when there is no such job */
  async runs(params: CronRunsParams) {
    const { jobs, history } = this.deps;
    const { id, jobId = id, scope = jobId === undefined ? "all" : "job", limit = DEFAULT_PAGE, offset = 0 } = params;
    const all = await jobs.all();
    const names = new Map(all.map((job) => [job.id, job.name]));
    const one = scope === "job" ? jobId : undefined;
    if (scope === "job" && one === undefined) throw invalidRequest("invalid cron.runs params: missing id");
    if (one !== undefined && !names.has(one)) throw notFound(one);
    const text = params.query?.trim().toLowerCase() ?? "";
    const namedJobs = all.filter(({ name }) => name.toLowerCase().includes(text)).map((job) => job.id);
    const { entries, total } = await history.page({
      ...without(params, "jobId"),
      ...given({ jobId: one }),
      namedJobs,
      limit,
      offset,
    });
    const hasMore = offset + entries.length < total;
    return {
      entries: entries.map((entry) => ({ ...entry, ...given({ jobName: names.get(entry.jobId) }) })),
      total,
      offset,
      limit,
      hasMore,
      nextOffset: hasMore ? offset + entries.length : null,
    };
  }

  /**
   * Takes the wish of a job's turn for its next time.
   * @returns the milliseconds that count
   * @throws GatewayError when it is no turn of a job with pacing, or no duration
   */
  nextCheck(runId: string, text: string): number {
    const taken = this.deps.pacing.propose(runId, text);
    if ("error" in taken) throw invalidRequest(taken.error);
    return taken.ms;
  }

  /** `cron.scratch.get`: what a job has noted for its runs. @throws GatewayError when there is no such job */
  async scratch(params: CronGetParams) {
    const { id } = await this.known(params);
    return this.deps.scratch.get(id);
  }

  /** `cron.scratch.set`. @throws GatewayError when there is no such job, and for more bytes than are kept */
  async setScratch(params: CronScratchSetParams): Promise<CronScratchSetResult> {
    const { scratch, clock } = this.deps;
    const bytes = Buffer.byteLength(params.content ?? "");
    if (bytes > LIMITS.cronScratchBytes) {
      const reason = `cron scratch exceeds ${LIMITS.cronScratchBytes} bytes (${bytes} bytes provided)`;
      throw invalidRequest(`invalid cron.scratch.set params: ${reason}`);
    }
    const { id } = await this.known(params);
    return scratch.set(id, params.content, params.expectedRevision, clock.now());
  }

  /**
   * `wake`: a note for the main session, or the one named, and with `now` a turn that takes it up at once. Only an
   * administrator's words are told as those of the system.
   * @throws GatewayError for an agent that there is none of, and for what the defender does not let pass
   */
  async wake({ text, mode, ...target }: WakeParams, sender: Sender) {
    const agentId = target.agentId?.trim() || undefined;
    const sessionKey = target.sessionKey?.trim() || undefined;
    const { agents, sessions, systemEvents, heartbeatTurns, defender } = this.deps;
    if (text.trim() === "") return { ok: false };
    const owner = sessionKey?.startsWith("agent:") ? sessions.agentOf(sessions.canonicalKey(sessionKey)) : undefined;
    if (owner !== undefined && agentId !== undefined && owner !== agentId) {
      throw ownerRequired(
        "session agent resolution",
        `The agent-scoped session key belongs to "${owner}", not "${agentId}".`,
      );
    }
    const id = agentId ?? owner ?? agents.roster.defaultId;
    if (!agents.find(id)) throw noAgent(id);
    const key = sessions.canonicalKey(sessionKey ?? "main", sessionKey?.startsWith("agent:") ? undefined : id);
    await screenInbound(defender, text, { sessionKey: key, runId: uuid(), sender });
    await systemEvents.add(key, text, { trusted: sender.may("operator.admin") });
    if (mode === "now") heartbeatTurns.wake(sessions.agentOf(key), key);
    return { ok: true };
  }

  private async known(params: CronGetParams): Promise<Job> {
    const job = await this.deps.jobs.find(idOf(params));
    if (job === null) throw notFound(idOf(params));
    return job;
  }

  /** The job of a declaration key, made what it is declared to be. What it has done stays, and its times if they fit. */
  private async converge(known: Job, params: CronAddParams, now: number) {
    const { jobs, scheduler } = this.deps;
    const { id, createdAtMs, state, enabled, schedule } = known;
    const declared = newJob(keepingAnchor(params, known), now);
    const wanted: Job = { ...declared, id, createdAtMs, state, enabled: params.enabled ?? enabled };
    if (revisionOf(wanted) === revisionOf(known)) {
      return { created: false, updated: false, job: viewOf(known), deliveryPreview: previewDelivery(known) };
    }
    const moved = JSON.stringify(wanted.schedule) !== JSON.stringify(schedule) || wanted.enabled !== enabled;
    const next = await this.timesOf(wanted, "cron.add", now, moved);
    const fresh = params.enabled && !enabled ? FRESH_START : {};
    const job = await jobs.change(id, (current) => {
      if (current === null) throw notFound(id);
      const next_ = { ...wanted, state: current.state };
      const activated = { ...current.state, ...fresh, scheduleActivatedAtMs: now };
      const state = renewedSource(activated, wanted.schedule);
      return moved ? timed({ ...next_, state }, next, now) : next_;
    });
    scheduler.publish("updated", job!);
    if (!job!.enabled && enabled) scheduler.cancel(id, "Cron job disabled by operator.");
    scheduler.wake();
    return { created: false, updated: true, job: viewOf(job!), deliveryPreview: previewDelivery(job!) };
  }

  private async checked(job: Job, method: "cron.add", now: number): Promise<Job> {
    return timed(job, await this.timesOf(job, method, now, true), now);
  }

  private timesOf(job: Job, method: "cron.add" | "cron.update", now: number, isNewTime: boolean): Promise<NextTime> {
    const { agents, sessions } = this.deps;
    if (method === "cron.add" && job.schedule.kind === "at") checkMoment(job.schedule.at, now, isNewTime);
    const owner =
      job.agentId ??
      (job.sessionKey && method === "cron.add" ? sessions.agentOf(sessions.canonicalKey(job.sessionKey)) : undefined);
    if (owner !== undefined && !agents.find(owner)) throw noAgent(owner);
    if (job.schedule.kind === "stream" && !this.deps.streamsAllowed()) {
      throw invalidRequest(`invalid ${method} params: ${STREAMS_OFF}`);
    }
    return checkJob(job, method, now, isNewTime);
  }
}

/** A job with its next time as it follows from its schedule; a disabled one has none. */
function timed(job: Job, next: NextTime, now: number): Job {
  const state = without(job.state, "nextRunAtMs");
  if (!job.enabled) return { ...job, state };
  // A single time that has just passed is due at once.
  const nextRunAtMs = job.schedule.kind === "at" ? Date.parse(job.schedule.at) : next(now);
  return { ...job, state: { ...given({ nextRunAtMs }), ...state } };
}

function keepingAnchor(params: CronAddParams, { schedule: old }: Job): CronAddParams {
  const { schedule } = params;
  const same = schedule.kind === "every" && old.kind === "every" && schedule.everyMs === old.everyMs;
  return same
    ? { ...params, schedule: { ...schedule, ...given({ anchorMs: schedule.anchorMs ?? old.anchorMs }) } }
    : params;
}

function checkRevision(job: Job, expectedConfigRevision: string | undefined): void {
  const actualConfigRevision = revisionOf(job);
  if (expectedConfigRevision === undefined || expectedConfigRevision === actualConfigRevision) return;
  throw new GatewayError(
    "INVALID_REQUEST",
    "cron job definition no longer matches the loaded version; review the latest version before retrying",
    { details: { code: "CRON_JOB_CHANGED", expectedConfigRevision, actualConfigRevision } },
  );
}

const reserved = (key: string): GatewayError =>
  invalidRequest(
    `invalid cron.add params: cron declarationKey namespace "${key.split(":")[0]}:" is system-owned; jobs cannot be created with it`,
  );

const noAgent = (id: string): GatewayError =>
  new GatewayError("UNAVAILABLE", `Error: cron job agent is unavailable: ${id}`);

const systemOwned = (what: string): GatewayError =>
  new GatewayError("UNAVAILABLE", `Error: system-owned monitor jobs cannot be ${what} by cron clients`);

const idOf = (params: CronGetParams): string => ("id" in params ? params.id : params.jobId);

function notFound(jobId: string, what = "Automation not found"): GatewayError {
  return new GatewayError(
    "INVALID_REQUEST",
    `${what}: ${jobId}. List automations and retry with a current job id. For cross-session management, use a fresh authenticated configured channel owner or Control UI administrator turn or the Automations page.`,
    { details: { code: "CRON_JOB_NOT_FOUND", jobId } },
  );
}
