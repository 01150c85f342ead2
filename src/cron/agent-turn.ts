import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Runs } from "../agents/runs/runs.ts";
import type { AgentRunResult, RunInput, RunOutcome } from "../agents/runs/types.ts";
import { screenInbound } from "../agents/screening.ts";
import type { Sender } from "../agents/sender.ts";
import { requestHash } from "../agents/user-message.ts";
import type { ConfigPort } from "../config/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { deleteSession } from "../sessions/lifecycle.ts";
import { patchSession } from "../sessions/patch.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { STOPPING } from "./at-work.ts";
import { given, type Job, type Payload } from "./job.ts";
import type { Execution } from "./outcome.ts";
import type { Pacing } from "./pacing.ts";
import { forgetOldSessions } from "./retention.ts";
import type { ScratchRepository } from "./scratch-repository.ts";

export interface AgentTurnDeps {
  config: ConfigPort;
  scratch: ScratchRepository;
  sessions: Sessions;
  agents: AgentCatalogue;
  runs: Runs;
  defender: DefenderPort;
  clock: Clock;
  pacing: Pacing;
}

type AgentTurn = Extract<Payload, { kind: "agentTurn" }>;

/** Where a job's turn takes place. `shownKey` is how its history names it. */
interface Place {
  sessionKey: string;
  sessionId: string;
  agentId: string;
  shownKey: string;
}

/** Whose words a job speaks: only administrators make jobs, so those of an owner. */
const OWNER: Sender = { client: { id: "cron", mode: "backend" }, owner: "cron", may: () => true };

/** The agent that a job belongs to; the default one when it names none. */
export function agentOf(job: Job, agents: AgentCatalogue, sessions: Sessions): string {
  if (job.agentId !== undefined) return agents.find(job.agentId)?.id ?? job.agentId;
  if (job.sessionKey !== undefined) return sessions.agentOf(sessions.canonicalKey(job.sessionKey));
  return agents.roster.defaultId;
}

/** Runs the turn of a job to its end. Never rejects: what goes wrong is the execution's error. */
export async function runAgentTurn(
  job: Job,
  payload: AgentTurn,
  deps: AgentTurnDeps,
  signal: AbortSignal,
): Promise<Execution> {
  try {
    const place = await placeOf(job, deps);
    const runId = uuid();
    deps.pacing.open(runId, job);
    try {
      const outcome = await perform(job, payload, place, runId, deps, signal);
      return { ...executionOf(outcome, place), ...given({ nextCheckMs: deps.pacing.close(runId) }) };
    } finally {
      deps.pacing.close(runId);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const stopping = (error.details as { reason?: string } | undefined)?.reason === "stopping";
    return stopping
      ? { status: "error", error: CUT_OFF, interrupted: true }
      : { status: "error", error: error.message };
  }
}

/**
 * `isolated` has a session of its own in which each run begins anew; `session:NAME` and `current` go on where they were.
 * (Docs: cron-jobs/payloads; keys as recorded from 2026.9.6.)
 */
async function placeOf(job: Job, { sessions, agents, config, clock }: AgentTurnDeps): Promise<Place> {
  const agentId = agentOf(job, agents, sessions);
  if (!agents.find(agentId)) throw new GatewayError("UNAVAILABLE", `cron job agent is unavailable: ${agentId}`);
  const { sessionTarget, sessionKey } = job;
  const lasting = sessionTarget === "current" ? sessionKey : /^session:(.+)/.exec(sessionTarget)?.[1];
  if (lasting !== undefined) {
    const key = sessions.canonicalKey(lasting, lasting.startsWith("agent:") ? undefined : agentId);
    const { sessionId } = await sessions.ensure(key, { createdVia: "cron" });
    return { sessionKey: key, sessionId, agentId: sessions.agentOf(key), shownKey: key };
  }
  await forgetOldSessions(sessions, config.current, { agentId, kind: "cron", keep: LIMITS.cronMaxJobs }, clock.now());
  const key = `agent:${agentId}:cron:${job.id}`;
  await deleteSession(sessions, { key });
  const { sessionId } = await sessions.ensure(key, { createdVia: "cron", sessionId: uuid() });
  // A label has to be the only one of its kind, and two jobs may have the same name.
  const label = `Automation: ${job.name}`.slice(0, LIMITS.labelMaxChars);
  await patchSession(sessions, { key, label }).catch((error) => {
    if (!(error instanceof GatewayError)) throw error;
  });
  return { sessionKey: key, sessionId, agentId, shownKey: `${key}:run:${sessionId}` };
}

async function perform(
  job: Job,
  payload: AgentTurn,
  place: Place,
  runId: string,
  deps: AgentTurnDeps,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const { runs, agents, clock, defender, scratch } = deps;
  const { sessionKey, agentId } = place;
  const now = clock.now();
  const { message, model, thinking, timeoutSeconds, lightContext } = payload;
  await screenInbound(defender, message, { sessionKey, runId, sender: OWNER });
  const prefix = `[cron:${job.id} ${job.name.replace(/[[\]\n]/g, " ")}]`;
  const provenance = { kind: "internal_system", sourceTool: "cron", jobId: job.id, sourcePromptPrefix: prefix };
  const input: RunInput = {
    runId,
    kind: "agent",
    sessionKey,
    agentId,
    sessionId: place.sessionId,
    id: uuid(),
    acceptedAt: now,
    message: {
      role: "user",
      content: message,
      timestamp: now,
      idempotencyKey: `${runId}:user`,
      meta: { senderIsOwner: true, provenance },
    },
    prompt: `${prefix} ${message}${notesOf(await scratch.text(job.id))}\n\nCurrent time: ${new Date(now).toISOString()}\n${UNATTENDED}`,
    settings: {
      ...given({
        model,
        // A job's own model takes only the place of the agent's first one.
        fallbacks: payload.fallbacks ?? (model === undefined ? undefined : agents.choice(agentId).fallbacks),
      }),
      ...given({ lightContext, thinking: thinking || undefined, strictThinking: thinking ? true : undefined }),
      timeoutMs: timeoutSeconds === undefined ? LIMITS.cronRunTimeoutMs : timeoutSeconds * 1000,
    },
    owner: OWNER.owner,
  };
  const accepted = await runs.accept(input, requestHash("cron", job.id, runId), "followup");
  if (accepted.known) throw new Error("a fresh run id is known already");
  const stop = () => void runs.abortRun(runId, signal.reason === STOPPING ? "restart" : "rpc");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await accepted.settled;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What a job has noted, as it stands behind what it says. */
export const notesOf = (scratch: string | null): string =>
  scratch === null ? "" : `\n\nNotes of this job:\n${scratch}`;

const UNATTENDED =
  "This run was started by a schedule and nobody is watching it. Do the work with what you have and answer with the " +
  "result itself; do not ask back. If something failed, say what. If there is nothing to report, answer NO_REPLY.";

function executionOf({ status, error, reply, result }: RunOutcome, place: Place): Execution {
  const facts = { ...modelFacts(result), sessionId: place.sessionId, sessionKey: place.shownKey };
  switch (status) {
    case "ok":
      // Without a model the gateway itself has answered, which is an answer to people alone.
      if (result?.meta.agentMeta === undefined) return failure(reply?.text ?? NO_MODEL, facts, "model_not_found");
      return {
        status: "ok",
        summary: (reply?.text ?? "").slice(0, LIMITS.cronSummaryChars),
        ...given({ text: reply?.text }),
        facts,
      };
    case "interrupted":
      return { status: "error", error: CUT_OFF, interrupted: true, facts };
    case "timeout":
      return failure(error ?? "The time for this run is over.", facts, "timeout");
    case "aborted":
      return failure("The run was stopped.", facts);
    default:
      return failure(error ?? "The run failed.", facts);
  }
}

const NO_MODEL = "No model answered.";

/** What the history says of a run that the end of the gateway cut off. */
export const CUT_OFF = "The gateway stopped while this run was at work.";

function failure(error: string, facts: Execution["facts"], errorReason?: Execution["errorReason"]): Execution {
  const message = error.slice(0, LIMITS.cronSummaryChars);
  const entries = [{ ts: 0, source: "agent-run" as const, severity: "error" as const, message }];
  return {
    status: "error",
    error: message,
    ...given({ errorReason }),
    diagnostics: { summary: message, entries },
    facts,
  };
}

function modelFacts(
  result: AgentRunResult | undefined,
): Pick<NonNullable<Execution["facts"]>, "model" | "provider" | "usage"> {
  const meta = result?.meta.agentMeta as
    | {
        provider?: string;
        model?: string;
        usage?: { input: number; output: number; total: number; cacheRead: number; cacheWrite: number };
      }
    | undefined;
  const usage = meta?.usage;
  return given({
    model: meta?.model,
    provider: meta?.provider,
    usage: usage && {
      input_tokens: usage.input,
      output_tokens: usage.output,
      total_tokens: usage.total,
      ...given({ cache_read_tokens: usage.cacheRead || undefined, cache_write_tokens: usage.cacheWrite || undefined }),
    },
  });
}
