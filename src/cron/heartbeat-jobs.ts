import { createHash } from "node:crypto";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import { uuid } from "../platform/ids.ts";
import { heartbeatPlan } from "../system/heartbeat-plan.ts";
import { given, type Job, revisionOf } from "./job.ts";
import type { JobRepository } from "./job-repository.ts";
import { without } from "./outcome.ts";
import { nextTimes } from "./schedule.ts";

const PREFIX = "heartbeat:";

/** True for a job that the gateway keeps by itself and no client may change. */
export const isSystemOwned = ({ payload }: Job): boolean => payload.kind === "heartbeat";

/** True for a declaration key that only the gateway itself declares. */
export const isReservedKey = (key: string): boolean => key.startsWith(PREFIX);

/**
 * Makes the heartbeat jobs what the configuration says: one for each agent that has heartbeats, turned off where they
 * are off, gone with its agent. A job keeps its place in the hour over restarts. (Docs: gateway/heartbeat.)
 */
export async function convergeHeartbeats(deps: {
  jobs: JobRepository;
  agents: AgentCatalogue;
  config: ConfigPort;
  clock: Clock;
}): Promise<void> {
  const { jobs, agents, config, clock } = deps;
  const now = clock.now();
  const wanted = new Set<string>();
  for (const { id: agentId } of agents.list()) {
    const { enabled, everyMs } = heartbeatPlan(config.current, agentId);
    const key = PREFIX + agentId;
    wanted.add(key);
    const known = await jobs.findDeclared(key);
    if (known === null) {
      if (enabled && everyMs !== null) await jobs.add(await timed(newMonitor(agentId, everyMs, now), now));
      continue;
    }
    const schedule =
      everyMs === null ? known.schedule : { kind: "every" as const, everyMs, anchorMs: anchorOf(known.id, everyMs) };
    const next = { ...known, enabled: enabled && everyMs !== null, schedule };
    if (revisionOf(next) === revisionOf(known)) continue;
    const job = await timed({ ...next, updatedAtMs: now }, now);
    await jobs.change(known.id, (current) => current && { ...job, state: { ...current.state, ...job.state } });
  }
  for (const job of await jobs.all()) {
    if (isSystemOwned(job) && !wanted.has(job.declarationKey ?? "")) await jobs.remove(job.id);
  }
}

function newMonitor(agentId: string, everyMs: number, now: number): Job {
  const id = uuid();
  return {
    id,
    declarationKey: PREFIX + agentId,
    displayName: `Heartbeat (${agentId})`,
    agentId,
    name: `heartbeat-${agentId}`,
    enabled: true,
    createdAtMs: now,
    updatedAtMs: now,
    schedule: { kind: "every", everyMs, anchorMs: anchorOf(id, everyMs) },
    sessionTarget: "main",
    wakeMode: "next-heartbeat",
    payload: { kind: "heartbeat" },
    state: {},
  };
}

/** Spreads the heartbeats of many agents and machines over their interval. */
const anchorOf = (id: string, everyMs: number): number =>
  createHash("sha256").update(id).digest().readUIntBE(0, 6) % everyMs;

async function timed(job: Job, now: number): Promise<Job> {
  const next = await nextTimes(job.schedule, job.id);
  const state = without(job.state, "nextRunAtMs");
  return { ...job, state: { ...state, ...(job.enabled ? given({ nextRunAtMs: next(now) }) : {}) } };
}
