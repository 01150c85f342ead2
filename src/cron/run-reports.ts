import type { SystemEvents } from "../agents/system-events.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type Notice, safeCause } from "./alert.ts";
import type { Announced, Announcer } from "./announcer.ts";
import { bodyOf } from "./delivery.ts";
import { given, type Job, type RunEntry } from "./job.ts";
import type { JobRepository } from "./job-repository.ts";
import type { RunRepository } from "./run-repository.ts";
import { isWebhookUrl, postToWebhook, type WebhookDeps } from "./webhook.ts";

export interface RunReportsDeps extends WebhookDeps {
  jobs: JobRepository;
  history: RunRepository;
  announcer: Announcer;
  systemEvents: SystemEvents;
  sessions: Pick<Sessions, "canonicalKey">;
  /** Whose job it is. */
  ownerOf(job: Job): string;
}

/**
 * Tells of runs that have ended and are in the history: the second webhook of a job, alerts and recoveries, and the
 * agent when its job was turned off. Each is tried once; what became of it is written to the run and to the job.
 */
export class RunReports {
  constructor(private readonly deps: RunReportsDeps) {}

  /** Never rejects for what a receiver does. */
  async send(job: Job, entry: RunEntry, notice: Notice | undefined): Promise<void> {
    if (job.state.autoDisabled?.atMs === entry.ts) await this.tellAgent(job, entry);
    await this.complete(job, entry);
    if (notice !== undefined) await this.notify(job, entry, notice);
  }

  private async complete(job: Job, entry: RunEntry): Promise<void> {
    const { delivery } = job;
    const to = delivery?.mode === "announce" ? delivery.completionDestination?.to : undefined;
    // Silence has nothing to say here, as everywhere.
    if (to === undefined || entry.deliverySuppressionReason !== undefined) return;
    const error = await postToWebhook(to, bodyOf(job, entry), this.deps);
    if (error === null) return;
    this.deps.log.warn("the second webhook of a job did not take its result", { jobId: job.id, reason: error });
    const message = `The completion destination did not take the result: ${error}`;
    const line = { ts: entry.ts, source: "delivery" as const, severity: "warn" as const, message };
    await this.deps.history.amend(entry.runId!, (known) => ({
      ...known,
      diagnostics: { ...known.diagnostics, entries: [...(known.diagnostics?.entries ?? []), line] },
    }));
  }

  private async notify(job: Job, entry: RunEntry, notice: Notice): Promise<void> {
    const { jobs, history, log } = this.deps;
    const { status, error } = await this.deliver(job, entry, notice);
    const delivered = status === "unknown" ? undefined : status === "delivered";
    if (status !== "delivered") log.warn("a failure of a job could not be told", { jobId: job.id, reason: error });
    await history.amend(entry.runId!, (known) => ({
      ...known,
      failureNotificationDelivery: { status, ...given({ delivered, error }) },
    }));
    await jobs.change(job.id, (known) => {
      // A later run has its own facts.
      if (known === null || known.state.lastRunAtMs !== entry.runAtMs) return null;
      const facts = given({
        lastFailureNotificationDelivered: delivered,
        lastFailureNotificationDeliveryError: error,
      });
      return { ...known, state: { ...known.state, ...facts, lastFailureNotificationDeliveryStatus: status } };
    });
  }

  private async deliver(job: Job, entry: RunEntry, { route, ...notice }: Notice): Promise<Announced> {
    const { subject, error, cause, runAtMs } = notice;
    if (route.mode === "webhook") {
      if (route.to === undefined || !isWebhookUrl(route.to)) {
        return { status: "not-delivered", error: "cron failure alert webhook requires a URL" };
      }
      const message = error === undefined ? subject : `${subject}\nLast error: ${error}`;
      const reason = await postToWebhook(route.to, { jobId: job.id, jobName: job.name, message, runAtMs }, this.deps);
      return reason === null ? { status: "delivered" } : { status: "not-delivered", error: reason };
    }
    const { announcer } = this.deps;
    const place = await announcer.placeOf(job, route);
    if ("error" in place) return { status: "not-delivered", error: place.error };
    const text = [subject, cause, `Run of ${this.time(runAtMs)}`].filter(Boolean).join("\n");
    return announcer.send(place, text, `cron-alert:${entry.runId}`);
  }

  /** Its own agent learns of it in the next turn, whatever else is told. */
  private async tellAgent(job: Job, entry: RunEntry): Promise<void> {
    const { systemEvents, sessions, ownerOf } = this.deps;
    const { reason, consecutiveErrors } = job.state.autoDisabled!;
    const why = reason === "schedule-errors" ? "its times could not be computed" : safeCause(entry);
    const text =
      `The automation "${job.name}" was turned off after ${consecutiveErrors} failures in a row. ${why} When that is ` +
      `mended: openclaw automations enable ${job.id}`;
    await systemEvents.add(sessions.canonicalKey("main", ownerOf(job)), text, { trusted: true });
  }

  /** A moment as people read it, in the owner's time zone. */
  private time(at: number): string {
    const timeZone = this.deps.config.current.agents?.defaults?.userTimezone;
    const style = { dateStyle: "medium", timeStyle: "long" } as const;
    try {
      return new Intl.DateTimeFormat("en-GB", { ...style, ...given({ timeZone }) }).format(at);
    } catch {
      return new Date(at).toISOString();
    }
  }
}
