import { setTimeout } from "node:timers/promises";
import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Runs } from "../agents/runs/runs.ts";
import type { SystemEvents } from "../agents/system-events.ts";
import type { Grants } from "../approvals/grants.ts";
import type { ApprovalsPort } from "../approvals/types.ts";
import type { Outbound } from "../channels/outbound/outbound.ts";
import type { ConfigPort } from "../config/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { PostOptions } from "../platform/http-safe.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import type { HeartbeatResponses } from "../system/heartbeat-responses.ts";
import type { Heartbeats } from "../system/heartbeats.ts";
import { agentOf, runAgentTurn } from "./agent-turn.ts";
import { Announcer } from "./announcer.ts";
import { NOT_ASKED } from "./at-work.ts";
import { unservedPart } from "./check-job.ts";
import { refusalOf, runCommandJob } from "./command-turn.ts";
import { Cron } from "./cron.ts";
import { deliver } from "./delivery.ts";
import { convergeHeartbeats } from "./heartbeat-jobs.ts";
import { HeartbeatTurns } from "./heartbeat-turns.ts";
import type { Job } from "./job.ts";
import { JobRepository } from "./job-repository.ts";
import type { Execution } from "./outcome.ts";
import { Pacing } from "./pacing.ts";
import { RunReports } from "./run-reports.ts";
import { RunRepository, type RunStart } from "./run-repository.ts";
import { Scheduler } from "./scheduler.ts";
import { ScratchRepository } from "./scratch-repository.ts";
import { Sources } from "./sources/sources.ts";
import type { SourcePorts } from "./sources/types.ts";

export interface CronServices {
  readonly cron: Cron;
  readonly scheduler: Scheduler;
  readonly heartbeatTurns: HeartbeatTurns;
}

export interface CronOptions {
  store: Store;
  config: ConfigPort;
  sessions: Sessions;
  agents: AgentCatalogue;
  runs: Runs;
  systemEvents: SystemEvents;
  heartbeats: Heartbeats;
  heartbeatResponses: HeartbeatResponses;
  defender: DefenderPort;
  outbound: Pick<Outbound, "send">;
  approvals: ApprovalsPort;
  grants: Pick<Grants, "use">;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  /** Finds the addresses of webhook receivers; tests bring their own. */
  resolve?: PostOptions["resolve"];
}

/** Builds the room. Nothing runs before `scheduler.start()`. */
export function createCron(options: CronOptions): CronServices {
  const { store, config, sessions, agents, bus, clock, metrics, resolve } = options;
  const log = options.log.child("cron");
  const jobs = new JobRepository(store, LIMITS);
  const history = new RunRepository(store);
  const scratch = new ScratchRepository(store, LIMITS.cronScratchBytes);
  const ownerOf = (job: Job): string => agentOf(job, agents, sessions);
  const announcer = new Announcer({ config, outbound: options.outbound, sessions, ownerOf });
  const pacing = new Pacing();
  const heartbeatTurns = new HeartbeatTurns({ ...options, scratch, log });
  const { defender, approvals, grants } = options;
  const execute = async (job: Job, run: RunStart, signal: AbortSignal): Promise<Execution> => {
    const { payload } = job;
    const byHand = run.runId.startsWith("manual:");
    if (payload.kind === "heartbeat") return heartbeatTurns.poll(ownerOf(job), job.id, byHand);
    if (payload.kind === "agentTurn") return runAgentTurn(job, payload, { ...options, scratch, pacing }, signal);
    if (payload.kind === "systemEvent") {
      const key = sessions.canonicalKey("main", ownerOf(job));
      await options.systemEvents.add(key, payload.text, { trusted: true });
      if (job.wakeMode === "now") heartbeatTurns.wake(ownerOf(job));
      return { status: "ok", summary: payload.text.slice(0, LIMITS.cronSummaryChars) };
    }
    if (payload.kind === "command") {
      const place = { agentId: ownerOf(job), runId: run.runId, folder: process.cwd(), signal };
      return runCommandJob(job, payload, place, { defender, approvals, grants });
    }
    const part = unservedPart(job) ?? `payload.kind="${payload.kind}"`;
    return { status: "error", error: `${part} is not available in this gateway` };
  };
  const perform = async (job: Job, run: RunStart, signal: AbortSignal) => {
    const { jobId, runId, startedAt: runAtMs } = run;
    const execution = await execute(job, run, signal);
    if (signal.aborted && execution.status !== "ok") return { execution, report: NOT_ASKED };
    return deliver(
      job,
      execution,
      { jobId, runId, runAtMs, durationMs: clock.now() - runAtMs },
      { config, log, resolve, announcer },
    );
  };
  const note: SourcePorts["note"] = async (id, decide) => {
    await jobs.change(id, (known) => {
      const state = known && decide(known);
      return known && state && { ...known, state };
    });
  };
  const refusal: SourcePorts["refusal"] = (job, argv, folder, signal) => {
    const run = { agentId: ownerOf(job), runId: `cron:${job.id}:watch:${uuid()}`, folder, signal };
    return refusalOf(job, { kind: "command", argv: [...argv] }, run, { defender, approvals, grants });
  };
  const ports: SourcePorts = {
    fire: (id, words, decide) => scheduler.fire(id, { words }, decide),
    fail: (id, error, decide) => scheduler.fire(id, { error }, decide),
    note,
    refusal,
    now: () => clock.now(),
    wait: waitFor,
  };
  const watch = new Sources({ jobs, config, ports, log, folder: process.cwd() });
  const reports = new RunReports({ ...options, log, jobs, history, announcer, ownerOf });
  const scheduler: Scheduler = new Scheduler({
    jobs,
    history,
    config,
    bus,
    clock,
    log,
    ownerOf,
    perform,
    watch,
    report: (job, entry, notice) => reports.send(job, entry, notice),
    converge: () => convergeHeartbeats({ jobs, agents, config, clock }),
  });
  metrics.gauge("chela_cron_runs_active", "Scheduled jobs at work.", () => scheduler.atWork);
  const storePath = store.db.filename;
  const { systemEvents } = options;
  const streamsAllowed = () => config.current.cron?.triggers?.enabled !== false;
  const shared = { sessions, systemEvents, defender, heartbeatTurns, agents, clock };
  return {
    cron: new Cron({ ...shared, jobs, history, scratch, scheduler, storePath, ownerOf, streamsAllowed, pacing }),
    scheduler,
    heartbeatTurns,
  };
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal, ref: false }).catch(() => {});
}
