import { LIMITS } from "../../generated/limits.ts";
import type { CronListParams } from "../../generated/types.ts";
import { previewDelivery } from "./delivery.ts";
import { given, type Job, type JobView, revision, viewOf } from "./job.ts";

/** A job in a list: with the agent that runs it. */
type Listed = JobView & { effectiveAgentId: string };

/**
 * `cron.list`: one page of jobs, those due next first unless told otherwise, disabled ones only when asked for. Pages of
 * an unchanged inventory have the same `snapshotRevision` (CLI.md: a page lacks none of its six figures).
 */
export function listJobs(all: readonly Job[], params: CronListParams, ownerOf: (job: Job) => string) {
  const jobs = all.filter((job) => isWanted(job, params, ownerOf)).sort(orderOf(params));
  const total = jobs.length;
  const { offset = 0, limit = Math.max(total, 1) } = params;
  const page = jobs.slice(offset, offset + Math.min(limit, LIMITS.cronMaxJobs));
  const hasMore = offset + page.length < total;
  const figures = {
    snapshotRevision: revision(jobs.map(({ id, updatedAtMs, state }) => [id, updatedAtMs, state.nextRunAtMs ?? null])),
    total,
    offset,
    limit,
    hasMore,
    nextOffset: hasMore ? offset + page.length : null,
  };
  const listed = page.map((job): Listed => ({ ...viewOf(job), effectiveAgentId: ownerOf(job) }));
  if (params.compact) return { jobs: listed.map(compact), ...figures };
  if (params.includeDeliveryPreviews === false) return { jobs: listed, ...figures };
  const deliveryPreviews = Object.fromEntries(page.map((job) => [job.id, previewDelivery(job)]));
  return { jobs: listed, ...figures, deliveryPreviews };
}

function isWanted(job: Job, params: CronListParams, ownerOf: (job: Job) => string): boolean {
  const { enabled = params.includeDisabled ? "all" : "enabled", scheduleKind = "all", lastRunStatus = "all" } = params;
  const { trigger = "all", agentId, query } = params;
  const text = query?.trim().toLowerCase();
  return (
    (enabled === "all" || job.enabled === (enabled === "enabled")) &&
    (scheduleKind === "all" || job.schedule.kind === scheduleKind) &&
    (lastRunStatus === "all" || (job.state.lastRunStatus ?? "unknown") === lastRunStatus) &&
    (trigger === "all" || (job.trigger !== undefined) === (trigger === "conditional")) &&
    (agentId === undefined || ownerOf(job) === agentId) &&
    (!text || [job.name, job.displayName, job.description, job.id].some((each) => each?.toLowerCase().includes(text)))
  );
}

function orderOf({ sortBy = "nextRunAtMs", sortDir = "asc" }: CronListParams): (a: Job, b: Job) => number {
  const sign = sortDir === "asc" ? 1 : -1;
  const byId = (a: Job, b: Job) => (a.id < b.id ? -1 : 1);
  if (sortBy === "name") {
    return (a, b) => sign * compare(a.name.toLowerCase(), b.name.toLowerCase()) || byId(a, b);
  }
  if (sortBy === "updatedAtMs") return (a, b) => sign * (a.updatedAtMs - b.updatedAtMs) || byId(a, b);
  return (a, b) => {
    const [x, y] = [a.state.nextRunAtMs, b.state.nextRunAtMs];
    // Jobs without a next time come last in both directions.
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined) || byId(a, b);
    return sign * (x - y) || byId(a, b);
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compact(job: Listed) {
  const { nextRunAtMs = null, lastRunAtMs = null, schedule } = job;
  const isTimed = schedule.kind === "at" || schedule.kind === "every" || schedule.kind === "cron";
  return {
    id: job.id,
    name: job.name,
    ...given({ agentId: job.agentId }),
    updatedAtMs: job.updatedAtMs,
    ...given({ declarationKey: job.declarationKey, displayName: job.displayName }),
    enabled: job.enabled,
    nextRunAt: nextRunAtMs === null ? null : new Date(nextRunAtMs).toISOString(),
    nextRunAtMs,
    scheduleKind: schedule.kind,
    ...(isTimed ? { schedule } : {}),
    lastRunAt: lastRunAtMs === null ? null : new Date(lastRunAtMs).toISOString(),
    lastRunAtMs,
    lastRunStatus: job.lastRunStatus ?? null,
    lastRunError: job.lastRunError ?? null,
    ...given({
      lastDeliveryStatus: job.lastDeliveryStatus,
      lastFailureNotificationDeliveryStatus: job.lastFailureNotificationDeliveryStatus,
    }),
    effectiveAgentId: job.effectiveAgentId,
  };
}
