import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Runs } from "../agents/runs/runs.ts";
import type { RunInput, RunOutcome } from "../agents/runs/types.ts";
import type { SystemEvents } from "../agents/system-events.ts";
import { requestHash } from "../agents/user-message.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import { deleteSession } from "../sessions/lifecycle.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type HeartbeatPlan, heartbeatPlan } from "../system/heartbeat-plan.ts";
import type { HeartbeatResponse, HeartbeatResponses } from "../system/heartbeat-responses.ts";
import type { HeartbeatRecord, Heartbeats } from "../system/heartbeats.ts";
import { isActive } from "./active-hours.ts";
import { notesOf } from "./agent-turn.ts";
import { given } from "./job.ts";
import type { Execution } from "./outcome.ts";
import type { ScratchRepository } from "./scratch-repository.ts";

export interface HeartbeatTurnsDeps {
  runs: Runs;
  sessions: Sessions;
  agents: AgentCatalogue;
  systemEvents: SystemEvents;
  heartbeats: Heartbeats;
  heartbeatResponses: HeartbeatResponses;
  config: ConfigPort;
  scratch: ScratchRepository;
  clock: Clock;
  log: Logger;
}

const LONGEST_TURN_MS = 600_000;
const PREVIEW_CHARS = 200;
const SILENT = "NO_REPLY";
const ACKNOWLEDGED = "HEARTBEAT_OK";
const NO_ROUTE =
  "There is no channel that a heartbeat could speak in. Set agents.defaults.heartbeat.target to none to run it without.";

/**
 * Turns that nobody has asked for in words: the regular look at what is waiting, and a wake because something has
 * happened. They take place in the main session; what an agent has to say besides an acknowledgement is its record.
 * (Docs: gateway/heartbeat; records as measured with 2026.9.6.)
 */
export class HeartbeatTurns {
  /** Sessions whose wake has been asked for and has not begun: further ones are the same turn. */
  private readonly waking = new Set<string>();

  constructor(private readonly deps: HeartbeatTurnsDeps) {}

  /** The regular turn of an agent. `byHand` is one that an operator started: it takes place whatever the hour. */
  async poll(agentId: string, jobId: string, byHand: boolean): Promise<Execution> {
    const { heartbeats, config, clock, runs, scratch } = this.deps;
    const plan = heartbeatPlan(config.current, agentId);
    const sessionKey = this.mainKey(agentId);
    const reason = !(await heartbeats.enabled())
      ? "disabled"
      : byHand
        ? null
        : !isActive(plan.activeHours, config.current.agents?.defaults?.userTimezone, clock.now())
          ? "quiet-hours"
          : plan.target !== "none"
            ? "no-route"
            : runs.activeRunIds(sessionKey).length > 0
              ? "requests-in-flight"
              : null;
    if (reason !== null) {
      const message = reason === "no-route" ? NO_ROUTE : undefined;
      await heartbeats.record({ ts: clock.now(), status: "skipped", reason, durationMs: 0, ...given({ message }) });
      return { status: "skipped", error: `heartbeat skipped: ${reason}` };
    }
    const prompt = plan.prompt + notesOf(await scratch.text(jobId));
    const record = await this.turn(agentId, sessionKey, { ...plan, prompt }, jobId);
    if (record.status === "failed") return { status: "error", error: record.reason ?? "The heartbeat failed." };
    return { status: "ok", summary: "heartbeat completed" };
  }

  /** A turn soon, because a note waits. Does not wait for it. Nothing happens while heartbeats are switched off. */
  wake(agentId: string, sessionKey = this.mainKey(agentId)): void {
    if (this.waking.has(sessionKey)) return;
    this.waking.add(sessionKey);
    void this.answerWake(agentId, sessionKey).catch((error) => {
      this.deps.log.error("a session could not be woken", { sessionKey, error });
    });
  }

  /** The session in which an agent's notes and heartbeats go. */
  mainKey(agentId: string): string {
    return this.deps.sessions.canonicalKey("main", agentId);
  }

  private async answerWake(agentId: string, sessionKey: string): Promise<void> {
    const { heartbeats, systemEvents, config } = this.deps;
    try {
      if (!(await heartbeats.enabled())) return;
      // A turn that began meanwhile has told what there was to tell.
      if ((await systemEvents.waiting(sessionKey)) === null) return;
    } finally {
      this.waking.delete(sessionKey);
    }
    await this.turn(agentId, sessionKey, heartbeatPlan(config.current, agentId));
  }

  /** @param jobId whose notes the agent may replace */
  private async turn(
    agentId: string,
    sessionKey: string,
    plan: HeartbeatPlan,
    jobId?: string,
  ): Promise<HeartbeatRecord> {
    const { clock, heartbeats, heartbeatResponses, scratch } = this.deps;
    const startedAt = clock.now();
    const runId = uuid();
    const facts = await this.perform(agentId, sessionKey, plan, runId, startedAt).then(
      async (outcome) => {
        const response = heartbeatResponses.take(runId);
        const notes = response?.scratch;
        if (jobId !== undefined && notes !== undefined) await scratch.set(jobId, notes, undefined, clock.now());
        return factsOf(outcome, plan, response);
      },
      (error) => {
        if (!(error instanceof GatewayError)) throw error;
        return { status: "failed", reason: error.message };
      },
    );
    const ts = clock.now();
    const record: HeartbeatRecord = { ts, ...facts, durationMs: ts - startedAt };
    await heartbeats.record(record);
    return record;
  }

  private async perform(
    agentId: string,
    sessionKey: string,
    plan: HeartbeatPlan,
    runId: string,
    now: number,
  ): Promise<RunOutcome> {
    const { runs, config, sessions } = this.deps;
    const place = plan.isolatedSession ? await freshSession(sessions, `${sessionKey}:heartbeat`) : { sessionKey };
    const seconds = plan.timeoutSeconds ?? config.current.agents?.defaults?.timeoutSeconds;
    const timeoutMs =
      seconds === undefined ? Math.min(plan.everyMs ?? LONGEST_TURN_MS, LONGEST_TURN_MS) : seconds * 1000;
    const input: RunInput = {
      runId,
      kind: "agent",
      ...place,
      agentId,
      id: uuid(),
      acceptedAt: now,
      message: {
        role: "user",
        content: "[heartbeat]",
        timestamp: now,
        idempotencyKey: `${runId}:user`,
        meta: { provenance: { kind: "internal_system", sourceTool: "heartbeat" } },
      },
      prompt: plan.prompt,
      settings: { timeoutMs, spending: "heartbeat", ...given({ model: plan.model, lightContext: plan.lightContext }) },
      owner: "heartbeat",
    };
    const accepted = await runs.accept(input, requestHash("heartbeat", runId), "followup");
    if (accepted.known) throw new Error("a fresh run id is known already");
    return accepted.settled;
  }
}

/** A session that begins anew with every turn. */
async function freshSession(sessions: Sessions, sessionKey: string) {
  await deleteSession(sessions, { key: sessionKey });
  const { sessionId } = await sessions.ensure(sessionKey, { createdVia: "cron", sessionId: uuid() });
  return { sessionKey, sessionId };
}

/** What a heartbeat's record says of the turn's end. */
function factsOf(
  { status, reply, error }: RunOutcome,
  plan: HeartbeatPlan,
  response: HeartbeatResponse | undefined,
): Omit<HeartbeatRecord, "ts" | "durationMs"> {
  if (status !== "ok") return { status: "failed", reason: error ?? status };
  // What was reported by the tool goes before words.
  if (response && !response.notify) return { status: "ok-token" };
  const said = response ? (response.notificationText ?? response.summary).trim() : (reply?.text ?? "").trim();
  if (said === "") return { status: "ok-empty" };
  if (!response && isAcknowledgement(said, plan.ackMaxChars)) return { status: "ok-token" };
  const preview = said.slice(0, PREVIEW_CHARS);
  if (plan.target === "none") return { status: "skipped", reason: "target-none", preview, hasMedia: false };
  return { status: "skipped", reason: "no-route", preview, hasMedia: false, message: NO_ROUTE };
}

/** True for an answer that says no more than that nothing needs attention. */
export function isAcknowledgement(text: string, maxChars: number): boolean {
  const said = text.trim();
  if (said === SILENT) return true;
  if (said.startsWith(ACKNOWLEDGED)) return said.slice(ACKNOWLEDGED.length).trim().length <= maxChars;
  return said.endsWith(ACKNOWLEDGED) && said.slice(0, -ACKNOWLEDGED.length).trim().length <= maxChars;
}
