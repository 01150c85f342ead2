import { LIMITS } from "../../generated/limits.ts";
import type { CronDeliveryPreview } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { OutboundRefused, type PostOptions, postSafely } from "../platform/http-safe.ts";
import type { Logger } from "../platform/logger.ts";
import { given, type Job } from "./job.ts";
import type { DeliveryReport, Execution } from "./outcome.ts";

export interface DeliveryDeps {
  config: ConfigPort;
  log: Logger;
  /** Finds the addresses of receivers; tests bring their own. */
  resolve?: PostOptions["resolve"];
}

/** What is told of a run that has been executed, as receivers of webhooks get it. */
export interface FinishedRun {
  jobId: string;
  runId: string;
  runAtMs: number;
  durationMs: number;
}

const NO_CHANNEL = "No channel is configured that the result could be announced in.";
const SILENT = "NO_REPLY";

/** What `cron.add` and `cron.list` say of where a job's results go. Labels as recorded from 2026.9.6. */
export function previewDelivery({ delivery, sessionTarget }: Job): CronDeliveryPreview {
  if (delivery === undefined || delivery.mode === "none") return { label: "not requested", detail: "not requested" };
  if (delivery.mode === "webhook") return { label: `webhook:${delivery.to}`, detail: "webhook" };
  const { channel = "last", to } = delivery;
  if (channel !== "last") return { label: `announce -> ${channel}${to ? `:${to}` : ""}`, detail: "explicit" };
  if (sessionTarget === "current") return { label: "announce -> current", detail: "the conversation itself" };
  return { label: "announce -> last", detail: `last -> no route, will fail-closed: ${NO_CHANNEL}` };
}

/**
 * Takes a run's result to where its job wants it (docs: cron-jobs/delivery). What cannot be announced fails the run,
 * unless the job says that its delivery may fail; a webhook that does not take the result leaves the run as it was.
 */
export async function deliver(
  job: Job,
  execution: Execution,
  run: FinishedRun,
  deps: DeliveryDeps,
): Promise<{ execution: Execution; report: DeliveryReport }> {
  const { delivery, sessionTarget, payload } = job;
  const inSession = payload.kind === "agentTurn";
  const required = delivery?.bestEffort !== true;
  if (delivery === undefined || delivery.mode === "none") {
    const trace = inSession ? traceOf("last", null) : undefined;
    return { execution, report: { status: "not-requested", required: false, trace } };
  }
  const suppressed = suppressionOf(execution);
  if (delivery.mode === "webhook") {
    const report = await callWebhook(delivery.to, suppressed, { job, execution, run }, deps);
    return { execution, report: { ...report, required } };
  }
  const { channel = "last", to = null } = delivery;
  const source = channel === "last" ? "last" : "explicit";
  if (suppressed !== undefined) {
    const trace = { ...traceOf(channel, to), intended: { channel, to, source: source as "last" | "explicit" } };
    return { execution, report: { status: "not-delivered", suppressed, required, trace } };
  }
  if (sessionTarget === "current" && channel === "last" && execution.status === "ok") {
    // The turn took place in the conversation: its result stands there.
    return {
      execution,
      report: { status: "delivered", required, trace: { ...traceOf("last", null), delivered: true } },
    };
  }
  const trace: DeliveryReport["trace"] = {
    intended: { channel, to, source },
    resolved: { ok: false, to, source, error: NO_CHANNEL },
    fallbackUsed: false,
    delivered: false,
  };
  const report: DeliveryReport = { status: "not-delivered", error: NO_CHANNEL, required, trace };
  if (!required || execution.status !== "ok") return { execution, report };
  const diagnostic = {
    ts: run.runAtMs + run.durationMs,
    source: "delivery",
    severity: "error",
    message: NO_CHANNEL,
  } as const;
  const failed: Execution = {
    ...execution,
    status: "error",
    error: NO_CHANNEL,
    diagnostics: { summary: NO_CHANNEL, entries: [...(execution.diagnostics?.entries ?? []), diagnostic] },
  };
  return { execution: failed, report };
}

/** Why a successful run has nothing to deliver. */
function suppressionOf({ status, summary = "" }: Execution): string | undefined {
  if (status !== "ok") return undefined;
  const text = summary.trim();
  return text === "" ? "empty" : text === SILENT ? "silent" : undefined;
}

async function callWebhook(
  to: string,
  suppressed: string | undefined,
  { job, execution, run }: { job: Job; execution: Execution; run: FinishedRun },
  { config, log, resolve }: DeliveryDeps,
): Promise<Omit<DeliveryReport, "required">> {
  const trace = (resolved: object, delivered: boolean): DeliveryReport["trace"] => ({
    intended: { channel: "last", to, source: "last" },
    resolved: { to, source: "explicit", ok: delivered, ...resolved },
    fallbackUsed: false,
    delivered,
  });
  if (suppressed !== undefined) return { status: "not-delivered", suppressed, trace: trace({}, false) };
  const { webhookToken, webhookSsrfPolicy } = config.current.cron ?? {};
  const { status, error, errorReason, summary, facts } = execution;
  const body = {
    action: "finished",
    ...run,
    jobName: job.name,
    status,
    ...given({ error, errorReason, summary }),
    ...facts,
  };
  try {
    const code = await postSafely(to, JSON.stringify(body), {
      ...given({ policy: webhookSsrfPolicy, resolve }),
      headers: webhookToken ? { authorization: `Bearer ${webhookToken}` } : {},
      timeoutMs: LIMITS.cronWebhookTimeoutMs,
    });
    if (code >= 200 && code < 300) return { status: "delivered", trace: trace({}, true) };
    const reason = `The receiver answered HTTP ${code}`;
    return { status: "not-delivered", error: reason, trace: trace({ error: reason }, false) };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof OutboundRefused) log.warn("a webhook of a job may not be called", { jobId: job.id, reason });
    return { status: "not-delivered", error: reason, trace: trace({ error: reason }, false) };
  }
}

const traceOf = (channel: string, to: string | null): NonNullable<DeliveryReport["trace"]> => ({
  intended: { channel, to, source: "last" },
  fallbackUsed: false,
  delivered: false,
});
