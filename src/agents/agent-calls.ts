import { LIMITS } from "../../generated/limits.ts";
import type { AgentParams, AgentWaitParams } from "../../generated/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { missingScope } from "../platform/scopes.ts";
import { ownableKey } from "../sessions/keys.ts";
import type { SessionState } from "../sessions/types.ts";
import { imagesOf } from "./attachments.ts";
import { refuseArchived } from "./chat.ts";
import { type Commands, type ParsedCommand, runCommand, scopeOf } from "./commands/commands.ts";
import type { CommandDeps } from "./commands/types.ts";
import { failedRun } from "./replay.ts";
import type { DeliveryStatus, Replies, ReplyPlace } from "./replies.ts";
import { INTERNAL_MESSAGE } from "./runs/failure-text.ts";
import type { RunRecord } from "./runs/run-records.ts";
import { TIMEOUT_FACTS } from "./runs/turn-endings.ts";
import type { RunInput, RunOutcome, RunSettings } from "./runs/types.ts";
import { screenInbound } from "./screening.ts";
import type { Sender } from "./sender.ts";
import { requestHash, userMessage } from "./user-message.ts";

export interface AgentCallsOptions extends CommandDeps {
  commands: Commands;
  replies: Replies;
  defender: DefenderPort;
}

/** First answer of `agent`. */
export interface AgentAcceptance {
  runId: string;
  /** Absent for a session that is made for this run. */
  sessionKey?: string;
  agentId: string;
  status: "accepted";
  acceptedAt: number;
}

/** Where a run of the `agent` method takes place. */
interface Target {
  sessionKey: string;
  agentId: string;
  /** Id that the session gets if it does not exist. */
  sessionId?: string;
  session: SessionState | null;
}

/** `agent` and `agent.wait`: turns for programs, which wait for the answer (BEHAVIOUR section 8). */
export class AgentCalls {
  constructor(private readonly options: AgentCallsOptions) {}

  /**
   * Runs one turn. `accept` is called when the message is on disk; the returned answer is the run's end. A repeated
   * key gets the stored answer of its first run, whatever the message.
   * @throws GatewayError for a request that cannot be taken, and for a run that failed
   */
  async run(params: AgentParams, sender: Sender, accept: (acceptance: AgentAcceptance) => void) {
    const { runs, clock, defender } = this.options;
    const { idempotencyKey: runId, message } = params;
    checkAuthority(params, sender, this.options.commands);
    checkSupported(params, this.options.replies);
    const known = await runs.find(runId);
    if (known) return this.replay(known);
    const images = imagesOf(params.attachments ?? []);
    if (message.includes("\0")) throw invalidRequest("message must not contain null bytes");
    const target = await this.target(params);
    refuseArchived(target.session);
    const { sessionKey, agentId } = target;
    const now = clock.now();
    const input: RunInput = {
      runId,
      kind: "agent",
      sessionKey,
      agentId,
      ...(target.sessionId === undefined ? {} : { sessionId: target.sessionId }),
      id: uuid(),
      acceptedAt: now,
      message: userMessage({ runId, text: message, images }, now, ownerMeta(sender)),
      settings: settingsOf(params),
      actor: sender.client.id,
      owner: sender.owner,
      connId: sender.connId,
    };
    const hash = requestHash("agent", sessionKey, message, images);
    const restart = this.options.commands.parse(message);
    if (restart !== null && isReset(restart)) return this.startOver(restart, { input, hash, target, sender, accept });
    const texts = [message, params.extraSystemPrompt ?? ""].filter((text) => text !== "");
    for (const text of texts) await screenInbound(defender, text, { sessionKey, runId, sender });
    const place = params.deliver === true ? await this.replyPlace(params, sessionKey) : null;
    const { replies } = this.options;
    const also = place ? replies.remember(runId, sessionKey, place) : undefined;
    const accepted = await runs.accept(input, hash, "followup", also);
    if (accepted.known) return this.replay(accepted.known);
    accept(acceptanceOf(input));
    const outcome = await accepted.settled;
    return answerOf(runId, outcome, place ? await replies.deliver(runId, outcome) : undefined);
  }

  /** @throws GatewayError when there is no place for the answer and the caller does not do without */
  private async replyPlace(params: AgentParams, sessionKey: string): Promise<ReplyPlace | null> {
    const { replyChannel, channel = replyChannel, replyTo, to, replyAccountId, accountId, threadId } = params;
    const wanted = replyChannel ?? channel;
    const isInternal = wanted === "webchat" || wanted === "none";
    const wish = { channel: wanted, to: replyTo ?? to, accountId: replyAccountId ?? accountId, threadId };
    const place = isInternal ? null : await this.options.replies.placeOf(sessionKey, wish);
    if (place === null && params.bestEffortDeliver !== true) throw invalidRequest(NO_CHANNEL);
    return place;
  }

  /** `/new` and `/reset`, alone or with a first message behind them; the only commands that programs have. */
  private async startOver(
    command: ParsedCommand,
    { input, hash, target, sender, accept }: Restart,
  ): Promise<ReturnType<typeof answerOf> | ReturnType<AgentCalls["replay"]>> {
    const { runs, clock, sessions, defender } = this.options;
    const { runId, sessionKey } = input;
    if (command.args !== "") await screenInbound(defender, command.args, { sessionKey, runId, sender });
    const known = await runs.acceptCommand(input, hash);
    if (known) return this.replay(known);
    const { text, turn } = await runCommand(command, { ...target, args: command.args, sender }, this.options);
    if (turn !== undefined) {
      accept(acceptanceOf(input));
      return answerOf(runId, await runs.begin({ ...input, prompt: turn }));
    }
    const session = await sessions.find(sessionKey);
    const outcome: RunOutcome = {
      status: "ok",
      endedAt: clock.now(),
      stopReason: "stop",
      reply: { disposition: "visible", text },
      result: {
        payloads: [{ text, mediaUrl: null, isStatusNotice: true }],
        meta: { durationMs: 0, agentMeta: { sessionId: session?.sessionId } },
      },
    };
    await runs.commandDone(runId, outcome);
    return answerOf(runId, outcome);
  }

  /** How a run ended, or that it did not within the time; of an unknown run nothing is known until the time is over. */
  async wait({ runId, timeoutMs = LIMITS.runWaitMs }: AgentWaitParams, signal: AbortSignal) {
    const end = await this.options.runs.wait(runId, timeoutMs, signal);
    if (end === null) return { runId, status: "timeout" as const };
    return waitAnswer(runId, end.outcome, end.live);
  }

  /** The session a run belongs to; without one named, a session of its own (upstream: `explicit:<id>`). */
  private async target(params: AgentParams): Promise<Target> {
    const { sessions, agents } = this.options;
    const { sessionKey: key, sessionId, to, agentId: named, idempotencyKey } = params;
    if (named !== undefined && !agents.find(named)) {
      throw invalidRequest(`invalid agent params: unknown agent id "${named}"`);
    }
    if (key !== undefined && key.trim() !== "") return this.at(ownableKey(sessions.canonicalKey(key, named)));
    if (sessionId !== undefined && sessionId.trim() !== "") {
      const session = await sessions.findById(sessionId);
      if (session) return { sessionKey: session.key, agentId: session.agentId, session };
      return this.at(sessions.canonicalKey(`explicit:${sessionId}`, named), sessionId);
    }
    if (to !== undefined || named !== undefined) return this.at(sessions.canonicalKey("main", named));
    return this.at(sessions.canonicalKey(`explicit:${idempotencyKey}`), idempotencyKey);
  }

  private async at(sessionKey: string, sessionId?: string): Promise<Target> {
    const { sessions, agents } = this.options;
    const agentId = /^agent:([^:]+):/.exec(sessionKey)?.[1] ?? agents.roster.defaultId;
    if (!agents.find(agentId)) throw invalidRequest(`Agent "${agentId}" no longer exists in configuration`);
    return { sessionKey, agentId, session: await sessions.find(sessionKey), ...(sessionId ? { sessionId } : {}) };
  }

  private replay(record: RunRecord) {
    const { runId, outcome, sessionKey } = record;
    if (outcome) return answerOf(runId, outcome);
    const agentId = /^agent:([^:]+):/.exec(sessionKey)?.[1] ?? this.options.agents.roster.defaultId;
    return { runId, status: "in_flight" as const, sessionKey, agentId };
  }
}

interface Restart {
  input: RunInput;
  hash: string;
  target: Target;
  sender: Sender;
  accept: (acceptance: AgentAcceptance) => void;
}

const isReset = ({ command: { name } }: ParsedCommand): boolean => name === "new" || name === "reset";

const ownerMeta = ({ may }: Sender): Record<string, unknown> => (may("operator.admin") ? { senderIsOwner: true } : {});

const acceptanceOf = ({ runId, sessionKey, sessionId, agentId, acceptedAt }: RunInput): AgentAcceptance => ({
  runId,
  ...(sessionId === undefined ? { sessionKey } : {}),
  agentId,
  status: "accepted",
  acceptedAt,
});

/** The final answer of `agent`. @throws GatewayError for a run that failed */
function answerOf(runId: string, outcome: RunOutcome, deliveryStatus?: DeliveryStatus) {
  const { status, error, stopReason } = outcome;
  const result = outcome.result && deliveryStatus ? { ...outcome.result, deliveryStatus } : outcome.result;
  switch (status) {
    case "ok":
      return { runId, status: "ok" as const, summary: "completed", ...(result ? { result } : {}) };
    case "aborted":
      return { runId, status: "timeout" as const, summary: "aborted", stopReason };
    case "timeout": {
      const { timeoutPhase, providerStarted } = TIMEOUT_FACTS;
      return {
        runId,
        status: "timeout" as const,
        summary: "aborted",
        timeoutPhase,
        providerStarted,
        ...(result ? { result } : {}),
      };
    }
    default:
      throw failedRun(runId, error ?? INTERNAL_MESSAGE);
  }
}

/** The answer of `agent.wait`. A run that was waited for tells when it began, one looked up does not. */
function waitAnswer(runId: string, outcome: RunOutcome, live: boolean) {
  const { status, startedAt, endedAt, stopReason, error, receipt, reply } = outcome;
  const began = live && startedAt !== undefined ? { startedAt } : {};
  switch (status) {
    case "ok": {
      const facts = { stopReason, livenessState: "working", terminalReceipt: receipt, terminalReply: reply };
      return { runId, status: "ok" as const, ...began, endedAt, ...facts };
    }
    case "timeout":
      return {
        runId,
        status: "timeout" as const,
        startedAt,
        endedAt,
        error,
        livenessState: "paused",
        ...TIMEOUT_FACTS,
      };
    case "aborted":
      return { runId, status: "error" as const, ...began, endedAt, error: "aborted", stopReason };
    default:
      return { runId, status: "error" as const, ...began, endedAt, error };
  }
}

/** What only administrators may ask of a run (KNOWN_ATTACKS 26). */
function checkAuthority({ model, provider, message }: AgentParams, sender: Sender, commands: Commands): void {
  if (sender.may("operator.admin")) return;
  if (model !== undefined || provider !== undefined) {
    throw invalidRequest("provider/model overrides are not authorized for this caller.");
  }
  const command = commands.parse(message);
  if (command === null || !isReset(command)) return;
  const scope = scopeOf(command);
  if (!sender.may(scope)) throw missingScope(scope);
}

/** Fields that would change what the run does and are not served yet: refused rather than ignored. */
function checkSupported(params: AgentParams, replies: Replies): void {
  if (params.provider !== undefined && params.model === undefined) {
    throw invalidRequest("invalid agent params: provider needs a model beside it");
  }
  if (params.cwd !== undefined) throw invalidRequest("cwd is reserved for plugin-owned subagent runs");
  const channel = params.replyChannel ?? params.channel;
  if (channel !== undefined && !INTERNAL_CHANNELS.has(channel) && !(params.deliver && replies.reaches(channel))) {
    throw invalidRequest(`invalid agent params: unknown channel: ${channel}`);
  }
  const { promptMode, modelRun, sessionEffects, bootstrapContextMode } = params;
  if (promptMode === "none" && modelRun !== true) {
    throw invalidRequest('promptMode="none" requires modelRun=true so the run cannot mutate a durable session.');
  }
  const unserved: Readonly<Record<string, boolean>> = {
    modelRun: modelRun === true,
    promptMode: promptMode !== undefined && promptMode !== "full",
    sessionEffects: sessionEffects === "internal",
    bootstrapContextMode: bootstrapContextMode === "lightweight",
    suppressPromptPersistence: params.suppressPromptPersistence === true,
    swarmCollector: params.swarmCollector === true,
    swarmOutputSchema: params.swarmOutputSchema !== undefined,
    acpTurnSource: params.acpTurnSource !== undefined,
    internalEvents: (params.internalEvents ?? []).length > 0,
    internalRuntimeHandoffId: params.internalRuntimeHandoffId !== undefined,
  };
  const [name] = Object.entries(unserved).find(([, asked]) => asked) ?? [];
  if (name !== undefined) throw invalidRequest(`invalid agent params: ${name} is not available in this gateway`);
}

const NO_CHANNEL =
  "Channel is required (no configured channels detected). Run openclaw channels add to configure one, or pass " +
  "--channel <channel> after enabling a channel. Use openclaw channels list --all to see available channel ids.";

/** Channels that mean the caller itself. */
const INTERNAL_CHANNELS: ReadonlySet<string> = new Set(["webchat", "last", "none"]);

function settingsOf({ model, provider, thinking, timeout, extraSystemPrompt }: AgentParams): RunSettings {
  const ref = model && provider && !model.startsWith(`${provider}/`) ? `${provider}/${model}` : model;
  return {
    ...(ref ? { model: ref } : {}),
    ...(thinking ? { thinking, strictThinking: true } : {}),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    ...(extraSystemPrompt ? { extraSystemPrompt } : {}),
  };
}
