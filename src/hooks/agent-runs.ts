import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type { Runs } from "../agents/runs/runs.ts";
import type { RunInput, RunOutcome } from "../agents/runs/types.ts";
import { screenInbound } from "../agents/screening.ts";
import type { Sender } from "../agents/sender.ts";
import { requestHash } from "../agents/user-message.ts";
import { oneLine, wrapExternal } from "../defender/external-content.ts";
import type { DefenderPort, Origin } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { AgentAction } from "./action.ts";
import { KeyTurns } from "./key-turns.ts";
import { HookRefusal } from "./refusal.ts";
import type { LogicalKey } from "./session-policy.ts";

/** A turn as it is to be run. */
export interface AgentOrder {
  action: AgentAction;
  agentId: string;
  logical: LogicalKey;
  /** Path that was called, for the record. */
  sourcePath: string;
  origin: Extract<Origin, "web" | "mail">;
  /** Orders with the same one are the same order; absent when each call is one of its own. */
  replayKey?: string;
  /** Ends the wait for a turn of the same key that is at work. */
  deadline: AbortSignal;
}

/** An order that was accepted. `known` tells that it had been before. */
export interface Submission {
  runId: string;
  known: boolean;
  settled: Promise<RunOutcome>;
}

interface AgentRunsDeps {
  runs: Runs;
  sessions: Sessions;
  defender: DefenderPort;
  clock: Clock;
}

/** Whoever knows a hook's secret is nobody in particular and holds no scope (KNOWN_ATTACKS 102). */
export const HOOK_SENDER: Sender = { client: { id: "hook", mode: "webhook" }, owner: "hook", may: () => false };

/** Turns that calls of hooks have asked for. */
export class AgentRuns {
  /** Orders with a replay key that are not accepted yet. */
  private readonly pending = new Map<string, Promise<Submission>>();
  private readonly turns = new KeyTurns();

  constructor(private readonly deps: AgentRunsDeps) {}

  /** How many orders wait for a turn of the same key. */
  get waiting(): number {
    return this.turns.waiting;
  }

  /**
   * Accepts an order: it is on disk when the promise resolves, and runs when its session and a place are free. The same
   * order again, also after a restart, gives the run that it had, until five minutes after its end.
   * @throws HookRefusal when it is not accepted; it can then be sent again
   */
  submit(order: AgentOrder): Promise<Submission> {
    if (order.replayKey === undefined) return this.admit(uuid(), order);
    const runId = idFrom(order.replayKey);
    const pending = this.pending.get(runId);
    if (pending) return pending.then((submission) => ({ ...submission, known: true }));
    const submission = this.replayOrAdmit(runId, order).finally(() => this.pending.delete(runId));
    this.pending.set(runId, submission);
    return submission;
  }

  private async replayOrAdmit(runId: string, order: AgentOrder): Promise<Submission> {
    const { runs } = this.deps;
    await runs.forgetOld();
    const known = await runs.find(runId);
    if (known === null) return this.admit(runId, order);
    return { runId, known: true, settled: known.outcome ? Promise.resolve(known.outcome) : this.endOf(runId) };
  }

  private async endOf(runId: string): Promise<RunOutcome> {
    const ended = await this.deps.runs.wait(runId, LIMITS.hookCompletionMs, new AbortController().signal);
    return ended?.outcome ?? { status: "timeout", endedAt: this.deps.clock.now() };
  }

  private async admit(runId: string, order: AgentOrder): Promise<Submission> {
    const done = await this.turns.take(order.logical.key, order.deadline);
    try {
      const { settled } = await this.begin(runId, order);
      void settled.then(done);
      return { runId, known: false, settled };
    } catch (error) {
      done();
      throw error instanceof GatewayError ? refusalOf(error) : error;
    }
  }

  private async begin(
    runId: string,
    { action, agentId, logical, sourcePath, origin }: AgentOrder,
  ): Promise<{ settled: Promise<RunOutcome> }> {
    const { runs, sessions, defender, clock } = this.deps;
    const { message, asked, unsafe, model, thinking, timeoutSeconds } = action;
    const name = oneLine(action.name).slice(0, LIMITS.hookNameChars);
    const now = clock.now();
    const fresh = sessions.canonicalKey(`hook:${runId}`, agentId);
    const sessionKey = action.sessionMode === "persistent" || logical.isOwn ? logical.key : fresh;
    await screenInbound(defender, `${name}\n${message}`, { sessionKey, runId, sender: HOOK_SENDER, origin });
    const { sessionId } = await sessions.ensure(sessionKey, { createdVia: "hook" });
    const content = unsafe
      ? message
      : wrapExternal(message, { source: origin === "mail" ? "Email" : "Webhook", task: name });
    const provenance = {
      kind: "external_user",
      sourceTool: "hook",
      sourcePath,
      hookName: name,
      logicalSessionKey: logical.key,
    };
    const input: RunInput = {
      runId,
      kind: "agent",
      sessionKey,
      agentId,
      sessionId,
      id: uuid(),
      acceptedAt: now,
      message: { role: "user", content, timestamp: now, idempotencyKey: `${runId}:user`, meta: { provenance } },
      prompt: `${content}\n\nCurrent time: ${new Date(now).toISOString()}\n${UNATTENDED}`,
      settings: {
        ...(model === undefined ? {} : { model }),
        ...(thinking === undefined ? {} : { thinking }),
        timeoutMs: timeoutSeconds === undefined ? LIMITS.cronRunTimeoutMs : timeoutSeconds * 1000,
      },
      owner: HOOK_SENDER.owner,
      origin,
      ...(asked ? { asked } : {}),
    };
    const accepted = await runs.accept(input, requestHash("hook", runId), "followup");
    return { settled: accepted.known ? this.endOf(runId) : accepted.settled };
  }
}

const UNATTENDED =
  "This run was started by a call from outside and nobody is watching it. Do the work with what you have and answer with " +
  "the result itself; do not ask back. If something failed, say what. If there is nothing to report, answer NO_REPLY.";

function refusalOf({ code, message, details }: GatewayError): HookRefusal {
  if (details?.code === "BLOCKED_BY_DEFENDER") return new HookRefusal(403, message);
  return new HookRefusal(code === "UNAVAILABLE" ? 503 : 409, message);
}

/** A UUID that the same text always gives. */
function idFrom(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
