import type { CronDeliveryPreview } from "../../generated/types.ts";
import { type Announcer, NO_CHANNEL, type Place } from "./announcer.ts";
import { type Delivery, given, type Job, publicJob, type RunEntry } from "./job.ts";
import type { DeliveryReport, Execution } from "./outcome.ts";
import { postToWebhook, type WebhookDeps } from "./webhook.ts";

export interface DeliveryDeps extends WebhookDeps {
  announcer: Pick<Announcer, "placeOf" | "send">;
}

/** What is told of a run that has been executed, as receivers of webhooks get it. */
export interface FinishedRun {
  jobId: string;
  runId: string;
  runAtMs: number;
  durationMs: number;
}

type Delivered = Promise<{ execution: Execution; report: DeliveryReport }>;

const SILENT = "NO_REPLY";

/** What `cron.add` and `cron.list` say of where a job's results go. Labels as recorded from 2026.9.6. */
export function previewDelivery({ delivery, sessionTarget }: Job): CronDeliveryPreview {
  const none = { label: "not requested", detail: "not requested" };
  if (delivery === undefined) return none;
  if (delivery.mode === "webhook") return { label: `webhook:${delivery.to}`, detail: "webhook" };
  const { mode, channel = "last", to, threadId } = delivery;
  if (mode === "none" && channel === "last" && to === undefined) return none;
  const place = [channel, to, ...(to === undefined || threadId === undefined ? [] : ["topic", threadId])];
  const label = `${mode} -> ${place.filter((part) => part !== undefined).join(":")}`;
  if (channel !== "last") return { label, detail: "explicit" };
  if (sessionTarget === "current") return { label: "announce -> current", detail: "the conversation itself" };
  return { label, detail: `last -> no route, will fail-closed: ${NO_CHANNEL}` };
}

/**
 * Takes a run's result to where its job wants it (docs: cron-jobs/delivery). What an agent's turn cannot announce fails
 * the run, unless the job says that its delivery may fail; a command that went well stays well, and so does a run whose
 * webhook does not take the result.
 */
export async function deliver(job: Job, execution: Execution, run: FinishedRun, deps: DeliveryDeps): Delivered {
  const { delivery, payload } = job;
  const inSession = payload.kind === "agentTurn";
  const required = delivery?.bestEffort !== true;
  if (delivery === undefined || delivery.mode === "none") {
    const inCommand: DeliveryReport["trace"] =
      payload.kind === "command" ? { intended: { source: "explicit" } } : undefined;
    const trace = inSession ? traceOf("last", null) : inCommand;
    return { execution, report: { status: "not-requested", required: false, trace } };
  }
  const suppressed = suppressionOf(execution);
  if (delivery.mode === "announce") return announce(job, delivery, suppressed, { execution, run }, deps);
  const report = await callWebhook(delivery.to, suppressed, { job, execution, run }, deps);
  return { execution, report: { ...report, required } };
}

/** Why a successful run has nothing to deliver. */
function suppressionOf({ status, summary = "" }: Execution): string | undefined {
  if (status !== "ok") return undefined;
  const text = summary.trim();
  return text === "" ? "empty" : text === SILENT ? "silent" : undefined;
}

async function announce(
  job: Job,
  delivery: Extract<Delivery, { mode: "announce" }>,
  suppressed: string | undefined,
  { execution, run }: { execution: Execution; run: FinishedRun },
  { announcer }: DeliveryDeps,
): Delivered {
  const { channel = "last", to = null } = delivery;
  const required = delivery.bestEffort !== true;
  const source = channel === "last" ? ("last" as const) : ("explicit" as const);
  const intended = { channel, to, source };
  const trace = (resolved: Partial<Place> & { ok: boolean; error?: string }, delivered: boolean) => ({
    intended,
    resolved: { to, source, ...resolved },
    fallbackUsed: false,
    delivered,
  });
  if (suppressed !== undefined) {
    return {
      execution,
      report: { status: "not-delivered", suppressed, required, trace: { ...traceOf(channel, to), intended } },
    };
  }
  const place = await announcer.placeOf(job, delivery);
  // The turn took place in the conversation: its result stands there, whether or not it goes on to a channel.
  const inPlace = job.sessionTarget === "current" && channel === "last" && execution.status === "ok";
  if ("error" in place) {
    if (inPlace) {
      const trace = { ...traceOf("last", null), delivered: true };
      return { execution, report: { status: "delivered", required, trace } };
    }
    const { error } = place;
    const report: DeliveryReport = {
      status: "not-delivered",
      error,
      required,
      trace: trace({ ok: false, error }, false),
    };
    const failsRun = required && execution.status === "ok" && job.payload.kind === "agentTurn";
    return { execution: failsRun ? failed(execution, error, run) : execution, report };
  }
  // Failures are told by alerts.
  if (execution.status !== "ok") {
    return { execution, report: { status: "not-delivered", required, trace: trace({ ...place, ok: true }, false) } };
  }
  const said = await announcer.send(place, execution.text ?? execution.summary ?? "", run.runId);
  const { status, error } = said;
  const resolved = { ...place, ok: status !== "not-delivered", ...given({ error }) };
  return {
    execution,
    report: { status, required, ...given({ error }), trace: trace(resolved, status === "delivered") },
  };
}

function failed(execution: Execution, error: string, run: FinishedRun): Execution {
  const line = { ts: run.runAtMs + run.durationMs, source: "delivery", severity: "error", message: error } as const;
  return {
    ...execution,
    status: "error",
    error,
    diagnostics: { summary: error, entries: [...(execution.diagnostics?.entries ?? []), line] },
  };
}

async function callWebhook(
  to: string,
  suppressed: string | undefined,
  { job, execution, run }: { job: Job; execution: Execution; run: FinishedRun },
  deps: WebhookDeps,
): Promise<Omit<DeliveryReport, "required">> {
  const trace = (resolved: object, delivered: boolean): DeliveryReport["trace"] => ({
    ...(job.payload.kind === "command"
      ? { intended: { to, source: "explicit" } }
      : { intended: { channel: "last", to, source: "last" }, fallbackUsed: false }),
    resolved: { to, source: "explicit", ok: delivered, ...resolved },
    delivered,
  });
  if (suppressed !== undefined) return { status: "not-delivered", suppressed, trace: trace({}, false) };
  const { status, error, errorReason, summary, facts } = execution;
  const body = bodyOf(job, { ...run, status, ...given({ error, errorReason, summary }), ...facts });
  const reason = await postToWebhook(to, body, deps);
  if (reason === null) return { status: "delivered", trace: trace({}, true) };
  return { status: "not-delivered", error: reason, trace: trace({ error: reason }, false) };
}

/** What a webhook gets of a run: its facts and the job, without what a command is given. */
export function bodyOf(job: Job, run: Partial<RunEntry> & { jobId: string }): object {
  const { payload, ...shown } = publicJob(job);
  const { env, input, ...told } = payload as typeof payload & { env?: unknown; input?: unknown };
  return { ...run, action: "finished", jobName: job.name, job: { ...shown, payload: told } };
}

const traceOf = (channel: string, to: string | null): NonNullable<DeliveryReport["trace"]> => ({
  intended: { channel, to, source: "last" },
  fallbackUsed: false,
  delivered: false,
});
