import { given, type Job } from "./job.ts";
import type { DeliveryReport, Execution } from "./outcome.ts";

/** Why an operator's change ends a run at work. In upstream's words (recorded from 2026.9.6). */
export type Cancellation = "Cron job removed by operator." | "Cron job disabled by operator.";

/** Why the signal of a run is aborted when the gateway stops: the run is cut off, nobody has ended it. */
export const STOPPING = "stopping";

export const NOT_ASKED: DeliveryReport = { status: "not-requested", required: false };

interface Claim {
  readonly promise: Promise<void>;
  readonly controller: AbortController;
  cancelled?: Cancellation;
}

/** The runs at work, one of a job at most. */
export class AtWork {
  private readonly claims = new Map<string, Claim>();

  has(jobId: string): boolean {
    return this.claims.has(jobId);
  }

  get size(): number {
    return this.claims.size;
  }

  /** Takes a job for one run. `signal` ends the run, `release` gives the job back. */
  take(jobId: string): { signal: AbortSignal; release: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const controller = new AbortController();
    this.claims.set(jobId, { promise, controller });
    const release = () => {
      this.claims.delete(jobId);
      resolve();
    };
    return { signal: controller.signal, release };
  }

  /** Ends a job's run because an operator does not want it any more. False when none is at work. */
  cancel(jobId: string, why: Cancellation): boolean {
    const claim = this.claims.get(jobId);
    if (claim === undefined) return false;
    claim.cancelled ??= why;
    claim.controller.abort();
    return true;
  }

  cancellation(jobId: string): Cancellation | undefined {
    return this.claims.get(jobId)?.cancelled;
  }

  /** Ends what every run does because the gateway stops. */
  endAll(): void {
    for (const { controller } of this.claims.values()) controller.abort(STOPPING);
  }

  async settled(): Promise<void> {
    await Promise.all([...this.claims.values()].map(({ promise }) => promise));
  }
}

/** What is recorded of a run that an operator has ended: nothing of what it had done by then. */
export function cancelledExecution(why: Cancellation): Execution {
  const entries = [{ ts: 0, source: "cron-setup" as const, severity: "error" as const, message: why }];
  return { status: "error", error: why, diagnostics: { summary: why, entries } };
}

/** What is kept of the lines about a run: that an output was not cut goes without saying. */
export function lasting(diagnostics: Execution["diagnostics"]): Execution["diagnostics"] {
  if (diagnostics === undefined) return undefined;
  const entries = diagnostics.entries.map(({ truncated, ...line }) => (truncated ? { ...line, truncated } : line));
  return { ...diagnostics, entries };
}

/** A run's lines, with the note of its being late before them. */
export function noted(
  execution: Execution,
  late: NonNullable<Execution["diagnostics"]>["entries"][number] | undefined,
  endedAt: number,
): Execution {
  const { diagnostics } = execution;
  if (late === undefined && diagnostics === undefined) return execution;
  const entries = [...(late ? [late] : []), ...(diagnostics?.entries ?? [])];
  return {
    ...execution,
    diagnostics: {
      ...given({ summary: late?.message }),
      ...diagnostics,
      entries: entries.map((line) => ({ ...line, ts: line.ts || endedAt })),
    },
  };
}

/** A job as its runs see it when something besides the time has begun it: with what there is to tell behind its words. */
export function toldJob(job: Job, words: string): Job {
  const { payload } = job;
  if (payload.kind === "systemEvent") return { ...job, payload: { ...payload, text: `${payload.text}\n\n${words}` } };
  if (payload.kind === "agentTurn") {
    return { ...job, payload: { ...payload, message: `${payload.message}\n\n${words}` } };
  }
  return job;
}
