import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { screenInbound } from "../agents/screening.ts";
import type { SystemEvents } from "../agents/system-events.ts";
import { configuredChannels } from "../channels/configured.ts";
import type { ConfigPort } from "../config/types.ts";
import type { HeartbeatTurns } from "../cron/heartbeat-turns.ts";
import { forgetOldSessions } from "../cron/retention.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Sessions } from "../sessions/sessions.ts";
import {
  type AgentAction,
  agentAction,
  type HookAction,
  mappedActions,
  mappingFor,
  payloadOf,
  type WakeAction,
  wakeAction,
} from "./action.ts";
import { type AgentRuns, HOOK_SENDER, type Submission } from "./agent-runs.ts";
import { type Answer, batchAnswer, type ItemOutcome, notFound, refused } from "./answers.ts";
import type { HookClaims } from "./claims.ts";
import { endingOf } from "./completion.ts";
import { HookRefusal } from "./refusal.ts";
import { agentFor, logicalKey } from "./session-policy.ts";
import { type HookSettings, hookSettings, MAIL_PATH } from "./settings.ts";

/** A call of a hook whose sender has proved to know its secret. */
export interface HookCall {
  /** What stands behind the hooks path. */
  subPath: string;
  body: string;
  /** Names in lower case; without those that carry secrets. */
  headers: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  /** The id of a signed call, which makes it one that is carried out once. */
  signedId?: string;
  /** Called when the answer will take as long as a run. */
  keepOpen(): void;
}

interface HooksDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Sessions;
  systemEvents: SystemEvents;
  heartbeatTurns: HeartbeatTurns;
  defender: DefenderPort;
  runs: AgentRuns;
  claims: HookClaims;
  clock: Clock;
  log: Logger;
}

/** What calls from outside may set off: notes for a session and turns of agents (docs: automation/webhooks). */
export class Hooks {
  private known: { of: unknown; settings: HookSettings | null } | undefined;

  constructor(private readonly deps: HooksDeps) {}

  /** Null while hooks are off. */
  get settings(): HookSettings | null {
    const { current } = this.deps.config;
    if (this.known?.of !== current) this.known = { of: current, settings: hookSettings(current) };
    return this.known.settings;
  }

  /** What is worth an operator's attention at the start. */
  get warnings(): string[] {
    const { hooks } = this.deps.config.current;
    if (hooks?.enabled !== true) return [];
    const { settings } = this;
    const unsafe = settings?.mappings.filter((mapping) => mapping.unsafe).map(({ id }) => id) ?? [];
    return [
      ...(settings === null ? ["hooks are enabled, but no secret of theirs has a value; they stay off"] : []),
      ...(unsafe.length > 0
        ? [`words from outside are shown to the model as they are by hooks: ${unsafe.join(", ")}`]
        : []),
      ...(hooks.allowRequestSessionKey === true
        ? ["callers of hooks may choose sessions (hooks.allowRequestSessionKey)"]
        : []),
      ...(hooks.gmail?.account
        ? ["mail is not watched by this gateway; run the watcher of hooks.gmail beside it"]
        : []),
    ];
  }

  /** Carries out a call. Never rejects for what is wrong with the call: that is the answer. */
  async serve(call: HookCall): Promise<Answer> {
    const { settings } = this;
    if (settings === null) return notFound();
    try {
      if (call.signedId === undefined) return await this.dispatch(call, settings);
      const digest = hashOf(call.subPath, call.body);
      const tolerance = settings.signing?.toleranceMs ?? LIMITS.hookSkewMs;
      return await this.once(`signed:${hashOf(call.signedId)}`, digest, 2 * tolerance, () =>
        this.dispatch(call, settings),
      );
    } catch (error) {
      if (error instanceof HookRefusal) return refused(error);
      throw error;
    }
  }

  private async dispatch(call: HookCall, settings: HookSettings): Promise<Answer> {
    const payload = payloadOf(call.body);
    const idempotencyKey = idempotencyKeyOf(call, payload);
    if (call.subPath === "wake") return this.wakeOnce(wakeAction(payload), idempotencyKey, call, settings);
    if (call.subPath === "agent") return this.runDirect(payload, idempotencyKey, call, settings);
    const mapping = mappingFor(settings.mappings, call.subPath, payload);
    if (mapping === null) return notFound();
    const facts = { ...call, payload, path: call.subPath, now: new Date(this.deps.clock.now()).toISOString() };
    const { actions, dropped } = mappedActions(mapping, facts, LIMITS.hookBatchItems);
    if (dropped > 0) this.deps.log.warn("a hook batch is too long; the rest is dropped", { hook: mapping.id, dropped });
    if (actions.length === 0) {
      this.deps.log.info("a hook batch has no items", { hook: mapping.id });
      return { status: 204 };
    }
    const [first] = actions;
    if (mapping.forEach === undefined) return this.runOne(first!, idempotencyKey, call, settings);
    return this.runBatch(actions, idempotencyKey, call, settings);
  }

  private runOne(
    action: HookAction,
    idempotencyKey: string | undefined,
    call: HookCall,
    settings: HookSettings,
  ): Promise<Answer> {
    if (action.kind === "wake") return this.wakeOnce(action, idempotencyKey, call, settings);
    const deadline = AbortSignal.timeout(LIMITS.hookAdmissionMs);
    return this.submit(action, idempotencyKey, call, settings, deadline).then(({ runId }) => ok({ runId }));
  }

  /** One action for each item; those of a batch are told apart by what they say. */
  private async runBatch(
    actions: readonly HookAction[],
    idempotencyKey: string | undefined,
    call: HookCall,
    settings: HookSettings,
  ): Promise<Answer> {
    const never = new AbortController().signal;
    const enough = Bun.sleep(LIMITS.hookBatchAdmissionMs).then((): ItemOutcome => ({ kind: "pending" }));
    const items = actions.map(async (action): Promise<ItemOutcome> => {
      try {
        if (action.kind === "wake") {
          return { kind: "wake", mode: action.mode, outcome: await this.wake(action, settings, call) };
        }
        const { runId } = await this.submit(action, idempotencyKey ?? "", call, settings, never);
        return { kind: "run", runId };
      } catch (error) {
        if (error instanceof HookRefusal) return { kind: "refused", error };
        throw error;
      }
    });
    return batchAnswer(await Promise.all(items.map((item) => Promise.race([item, enough]))));
  }

  private async runDirect(
    payload: Record<string, unknown>,
    idempotencyKey: string | undefined,
    call: HookCall,
    settings: HookSettings,
  ): Promise<Answer> {
    const { waitForCompletion } = payload;
    const channels = configuredChannels(this.deps.config.current).map(({ id }) => id);
    const action = agentAction(payload, channels);
    if (waitForCompletion !== undefined && typeof waitForCompletion !== "boolean") {
      throw new HookRefusal(400, "waitForCompletion must be boolean");
    }
    if (action.sessionMode === "persistent" && settings.allowRequestSessionKey && settings.prefixes.length === 0) {
      throw new HookRefusal(400, "hooks.allowedSessionKeyPrefixes is required when sessionMode is persistent");
    }
    const deadline = AbortSignal.timeout(LIMITS.hookAdmissionMs);
    const { runId, settled } = await this.submit(action, idempotencyKey, call, settings, deadline);
    if (waitForCompletion !== true) return ok({ runId });
    call.keepOpen();
    return ok({ runId, completion: endingOf(action, await settled).completion });
  }

  private async submit(
    action: AgentAction,
    idempotencyKey: string | undefined,
    call: HookCall,
    settings: HookSettings,
    deadline: AbortSignal,
  ): Promise<Submission> {
    const { agents, sessions, runs } = this.deps;
    const agentId = agentFor(agents, settings, action);
    const logical = wellFormed(() => logicalKey(sessions, settings, action, agentId));
    const sourcePath = `${settings.path}/${call.subPath}`;
    const replayKey =
      idempotencyKey === undefined
        ? undefined
        : hashOf("hook", settings.token, sourcePath, idempotencyKey, agentId, action);
    const origin = originOf(call);
    const submission = await runs.submit({ action, agentId, logical, sourcePath, origin, replayKey, deadline });
    if (!submission.known)
      void submission.settled.then((outcome) => this.ended(action, agentId, submission.runId, sourcePath, outcome));
    return submission;
  }

  /** Tells of a run's end: in the log always, in the agent's main session where that is its destination. */
  private async ended(
    action: AgentAction,
    agentId: string,
    runId: string,
    sourcePath: string,
    outcome: Awaited<Submission["settled"]>,
  ): Promise<void> {
    const { systemEvents, heartbeatTurns, sessions, config, clock, log } = this.deps;
    try {
      const { completion, note, error } = endingOf(action, outcome);
      const facts = {
        runId,
        status: completion.status,
        name: action.name.slice(0, LIMITS.hookNameChars),
        agentId,
        sourcePath,
      };
      if (error === undefined) log.info("hook agent run completed", facts);
      else log.warn("hook agent run completed", { ...facts, reason: error.slice(0, LIMITS.hookNoteChars) });
      await forgetOldSessions(
        sessions,
        config.current,
        { agentId, kind: "hook", keep: LIMITS.hookSessions },
        clock.now(),
      );
      if (note === null || outcome.status === "interrupted") return;
      // What an answer to strangers' words says is theirs, too.
      await systemEvents.add(heartbeatTurns.mainKey(agentId), note.slice(0, LIMITS.hookNoteChars), { trusted: false });
      if (action.wakeMode === "now") heartbeatTurns.wake(agentId);
    } catch (error) {
      log.error("the end of a hook run could not be told", { runId, error });
    }
  }

  private wakeOnce(
    action: WakeAction,
    idempotencyKey: string | undefined,
    call: HookCall,
    settings: HookSettings,
  ): Promise<Answer> {
    const work = async () => ok({ mode: action.mode, eventOutcome: await this.wake(action, settings, call) });
    if (idempotencyKey === undefined) return work();
    return this.once(`wake:${hashOf(call.subPath, idempotencyKey, action)}`, "", LIMITS.idempotencyTtlMs, work);
  }

  /** Leaves a note, marked as one from outside, and asks for a turn that takes it up. @throws HookRefusal */
  private async wake(action: WakeAction, settings: HookSettings, call: HookCall): Promise<"queued" | "coalesced"> {
    const { agents, sessions, systemEvents, heartbeatTurns, defender } = this.deps;
    const { text, mode, sessionKey } = action;
    const isMapped = call.subPath !== "wake";
    const agentId = agentFor(agents, settings, { agentId: action.agentId, lenientAgent: isMapped });
    const key =
      sessionKey === undefined
        ? heartbeatTurns.mainKey(agentId)
        : wellFormed(() => logicalKey(sessions, settings, { sessionKey, keyFromCaller: true }, agentId)).key;
    try {
      await screenInbound(defender, text, {
        sessionKey: key,
        runId: uuid(),
        sender: HOOK_SENDER,
        origin: originOf(call),
      });
    } catch (error) {
      if (error instanceof GatewayError) throw new HookRefusal(403, error.message);
      throw error;
    }
    const outcome = await systemEvents.add(key, text, { trusted: false, coalesce: true });
    if (mode === "now") heartbeatTurns.wake(agentId, key);
    return outcome;
  }

  /**
   * Does what a key stands for once and gives its answer again, also after a restart. A refusal frees the key, a batch that
   * is not done whole, too: the sender repeats it then under the same id, and what was begun is known by its own keys.
   */
  private async once(key: string, digest: string, ttlMs: number, work: () => Promise<Answer>): Promise<Answer> {
    const { claims, clock } = this.deps;
    const now = clock.now();
    const known = await claims.take(key, digest, now, now + ttlMs);
    if (known === "full") throw new HookRefusal(503, "too many calls are remembered; try again later");
    if (known !== null) {
      if (known.digest !== digest) throw new HookRefusal(409, "the id of this call was used for another one");
      if (known.answer === null) throw new HookRefusal(409, "this call has been received before");
      return JSON.parse(known.answer) as Answer;
    }
    try {
      const answer = await work();
      if (answer.status >= 400) await claims.release(key);
      else await claims.answered(key, JSON.stringify(answer));
      return answer;
    } catch (error) {
      if (error instanceof HookRefusal) await claims.release(key);
      throw error;
    }
  }
}

const ok = (facts: object): Answer => ({ status: 200, body: { ok: true, ...facts } });

const originOf = ({ subPath }: HookCall): "mail" | "web" => (subPath === MAIL_PATH ? "mail" : "web");

const hashOf = (...parts: unknown[]): string => createHash("sha256").update(JSON.stringify(parts)).digest("hex");

/** A session key that none can have is the caller's mistake. */
function wellFormed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GatewayError) throw new HookRefusal(400, error.message);
    throw error;
  }
}

const IDEMPOTENCY_HEADERS = ["idempotency-key", "x-openclaw-idempotency-key"];

/** The first of header, header and payload that is a usable key; others are not looked at. */
function idempotencyKeyOf({ headers }: HookCall, payload: Record<string, unknown>): string | undefined {
  const candidates = [...IDEMPOTENCY_HEADERS.map((name) => headers[name]), payload.idempotencyKey];
  return candidates
    .flatMap((value) => (typeof value === "string" ? [value.trim()] : []))
    .find((value) => value !== "" && value.length <= LIMITS.hookIdempotencyKeyChars);
}
