import type { ChatAbortParams, ChatSendParams } from "../../generated/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { EventBus } from "../platform/bus.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import { ownableKey } from "../sessions/keys.ts";
import type { SessionState, TranscriptMessage } from "../sessions/types.ts";
import { imagesOf } from "./attachments.ts";
import { type Commands, isStop, type ParsedCommand, runCommand } from "./commands/commands.ts";
import { queueDirective } from "./commands/queue.ts";
import type { CommandDeps, CommandReply } from "./commands/types.ts";
import { checkGoalStart, type GoalRuns, type GoalStarted } from "./goal-runs.ts";
import { InOrder } from "./in-order.ts";
import { injectedMessage, shownMessage } from "./injected.ts";
import { type ChatReplay, chatReplay } from "./replay.ts";
import type { Replies, ReplyPlace } from "./replies.ts";
import { failureNotice, INTERNAL_MESSAGE } from "./runs/failure-text.ts";
import { chooseModels, unusedSession } from "./runs/model-choice.ts";
import { queueSettings } from "./runs/queue-settings.ts";
import type { RunInput, RunOutcome, RunSettings } from "./runs/types.ts";
import { screenInbound } from "./screening.ts";
import { maySend } from "./send-policy.ts";
import type { Sender } from "./sender.ts";
import { requestHash, transportMeta, userMessage } from "./user-message.ts";

export interface ChatOptions extends CommandDeps {
  goalRuns: GoalRuns;
  commands: Commands;
  replies: Replies;
  defender: DefenderPort;
  bus: EventBus;
  log: Logger;
}

export type ChatSendAnswer =
  | { runId: string; status: "started"; interruptedActiveRun?: true }
  | ChatReplay
  | ChatAbortAnswer
  | GoalStarted;

export interface ChatAbortAnswer {
  ok: true;
  aborted: boolean;
  runIds: string[];
}

/** `chat.send` and `chat.abort`: people's messages on their way to runs, commands, or a stop (BEHAVIOUR section 7). */
export class Chat {
  /** A client that sends two messages at once means them in that order. */
  private readonly arrivals = new InOrder();

  constructor(private readonly options: ChatOptions) {}

  /**
   * Accepts a message. When the answer says `started`, the message is on disk. `more` is what its record says besides.
   * @throws GatewayError for a message that cannot be taken, a key of another request, or a repeated one that failed
   */
  async send(params: ChatSendParams, sender: Sender, more?: object): Promise<ChatSendAnswer> {
    const { message: text } = params;
    checkReserved(params, sender);
    checkServed(params);
    if (params.intent) return this.startGoal(params, sender);
    const images = imagesOf(params.attachments ?? []);
    if (text.includes("\0")) throw invalidRequest("message must not contain null bytes");
    if (text.trim() === "" && images.length === 0) throw invalidRequest("message or attachment required");
    const interpreted = params.suppressCommandInterpretation !== true && images.length === 0;
    const sessionKey = this.keyOf(params);
    if (interpreted && isStop(text)) return this.abort({ sessionKey }, sender, "stop-command");
    return this.arrivals.run(sessionKey, () => this.take(params, { images, interpreted }, sender, more));
  }

  private async take(
    params: ChatSendParams,
    { images, interpreted }: { images: ReturnType<typeof imagesOf>; interpreted: boolean },
    sender: Sender,
    more: object | undefined,
  ): Promise<ChatSendAnswer> {
    const { message: text, idempotencyKey: runId } = params;
    const { sessionKey, agentId, session } = await this.target(params);
    const hash = requestHash(
      "chat.send",
      sessionKey,
      text,
      images,
      ...(params.mentions?.length ? [params.mentions] : []),
    );
    const known = await this.options.runs.find(runId);
    if (known) return chatReplay(known, hash);
    await this.checkSession(sessionKey, session, params);
    if (images.length > 0) await this.checkImageInput(sessionKey, agentId, session);
    const meta = { ...transportMeta(sender), ...more };
    const now = this.options.clock.now();
    const input: RunInput = {
      runId,
      kind: "chat",
      sessionKey,
      agentId,
      id: uuid(),
      acceptedAt: now,
      message: userMessage({ runId, text, images }, now, meta),
      settings: settingsOf(params),
      actor: sender.client.id,
      owner: sender.owner,
      connId: sender.connId,
    };
    const inline = interpreted ? inlineQueue(text) : null;
    if (inline) input.prompt = inline.rest;
    const command = interpreted && !inline ? await this.options.commands.find(text, agentId) : null;
    if (command) return this.command(command, input, hash, session, sender);
    await screenInbound(this.options.defender, text, { sessionKey, runId, sender });
    const place = await this.replyPlace(params, sessionKey);
    if (place) input.route = JSON.stringify(place);
    const from = { sessionKey, channel: params.originatingChannel };
    const wanted = { mode: params.queueMode };
    const queue = queueSettings(this.options.config.current, from, wanted, inline?.queue, session?.queue);
    const interrupts = queue.mode === "interrupt" && this.options.runs.activeRunIds(sessionKey).length > 0;
    const also = place ? this.options.replies.remember(runId, sessionKey, place) : undefined;
    const accepted = await this.options.runs.accept(input, hash, queue, also);
    if (accepted.known) return chatReplay(accepted.known, hash);
    if (place) void accepted.settled.then((outcome) => this.options.replies.deliver(runId, outcome));
    return { runId, status: "started", ...(interrupts ? { interruptedActiveRun: true } : {}) };
  }

  /** Where the answer goes besides the clients: with `deliver` to where the message, or else the session's last, came from. */
  private async replyPlace(params: ChatSendParams, sessionKey: string): Promise<ReplyPlace | null> {
    if (params.deliver !== true) return null;
    const { originatingChannel, originatingTo, originatingAccountId, originatingThreadId } = params;
    return this.options.replies.placeOf(sessionKey, {
      ...(originatingChannel ? { channel: originatingChannel } : {}),
      ...(originatingTo ? { to: originatingTo } : {}),
      ...(originatingAccountId ? { accountId: originatingAccountId } : {}),
      ...(originatingThreadId ? { threadId: originatingThreadId } : {}),
    });
  }

  private async startGoal(params: ChatSendParams, sender: Sender): Promise<ChatSendAnswer> {
    if (params.message.includes("\0")) throw invalidRequest("message must not contain null bytes");
    checkGoalStart(params);
    const { session, ...place } = await this.target(params);
    await this.checkSession(place.sessionKey, session, params);
    return this.options.goalRuns.start(params, place, sender);
  }

  /**
   * Stops a run, or everything of a session. An administrator may stop all; others what they started themselves.
   * @throws GatewayError when the run is not theirs, or not of this session
   */
  async abort(
    { sessionKey: key, agentId, runId }: ChatAbortParams,
    sender: Sender,
    origin: "rpc" | "stop-command" = "rpc",
  ): Promise<ChatAbortAnswer> {
    const { sessions, runs } = this.options;
    const sessionKey = sessions.lookupKey(key, agentId?.trim() || undefined);
    const isAdmin = sender.may("operator.admin");
    if (runId !== undefined) {
      const input = runs.inputOf(runId);
      if (input !== null && !isAdmin) {
        if (input.sessionKey !== sessionKey) throw invalidRequest("runId does not match sessionKey");
        if (input.owner !== sender.owner) throw invalidRequest("unauthorized");
      }
      return answerOf(await runs.abortRun(runId, origin));
    }
    return answerOf(await runs.abortSession(sessionKey, origin, isAdmin ? undefined : sender.owner));
  }

  private keyOf({ sessionKey: key, agentId: named }: ChatSendParams): string {
    return ownableKey(this.options.sessions.canonicalKey(key, named));
  }

  private async target(params: ChatSendParams) {
    const { sessions, agents } = this.options;
    const sessionKey = this.keyOf(params);
    const agentId = /^agent:([^:]+):/.exec(sessionKey)?.[1] ?? agents.roster.defaultId;
    if (!agents.find(agentId)) throw invalidRequest(`Agent "${agentId}" no longer exists in configuration`);
    return { sessionKey, agentId, session: await sessions.find(sessionKey) };
  }

  private async checkSession(
    sessionKey: string,
    session: SessionState | null,
    { expectedLeafEntryId }: ChatSendParams,
  ): Promise<void> {
    const { config, agents } = this.options;
    refuseArchived(session);
    if (!maySend(config.current, agents.roster, sessionKey, session)) {
      throw invalidRequest("send blocked by session policy");
    }
    if (expectedLeafEntryId === undefined) return;
    const leaf = session && (await this.options.sessions.recent(sessionKey, 1)).at(-1);
    if ((leaf?.id ?? null) !== expectedLeafEntryId) {
      throw invalidRequest("active branch changed; review and retry", { reason: "active-leaf-changed" });
    }
  }

  private async checkImageInput(sessionKey: string, agentId: string, session: SessionState | null): Promise<void> {
    const { models, agents } = this.options;
    const state = session ?? unusedSession(sessionKey, agentId);
    const { candidates } = await chooseModels(models, agents, state, {});
    const [model] = candidates;
    if (model && !model.input.includes("image")) {
      throw invalidRequest(`${model.provider}/${model.id} does not take images; choose another model with /model`);
    }
  }

  /** A command is answered outside the lane: it must also work while a run is at work. */
  private async command(
    command: ParsedCommand,
    input: RunInput,
    hash: string,
    session: SessionState | null,
    sender: Sender,
  ): Promise<ChatSendAnswer> {
    const { runId, sessionKey } = input;
    // `/new` and `/reset` make a turn of what stands behind them.
    if (command.args !== "") await screenInbound(this.options.defender, command.args, { sessionKey, runId, sender });
    const known = await this.options.runs.acceptCommand(input, hash);
    if (known) return chatReplay(known, hash);
    // After this turn of the event loop, so that the acknowledgement goes first.
    setImmediate(() => {
      this.answerCommand(command, input, session, sender).catch((error) => {
        this.options.log.error("a command failed", { command: command.command.name, error });
      });
    });
    return { runId, status: "started" };
  }

  private async answerCommand(
    command: ParsedCommand,
    input: RunInput,
    session: SessionState | null,
    sender: Sender,
  ): Promise<void> {
    const { runs, sessions, clock, bus, log } = this.options;
    const { runId, sessionKey, agentId } = input;
    const call = { args: command.args, sessionKey, agentId, session, sender };
    const reply = await runCommand(command, call, this.options).catch((error) => {
      log.error("a command failed", { command: command.command.name, error });
      return { text: failureNotice(INTERNAL_MESSAGE) } satisfies CommandReply as CommandReply;
    });
    if (reply.turn !== undefined) {
      runs.begin({ ...input, prompt: reply.turn }, reply.mode);
      return;
    }
    const free = reply.contextFree
      ? { extra: { excludeFromContext: true }, meta: { contextFreeCommand: true } }
      : { extra: undefined, meta: undefined };
    const asked: TranscriptMessage = {
      ...input.message,
      meta: { ...input.message.meta, ...free.meta },
      ...(free.extra ? { extra: free.extra } : {}),
    };
    const endedAt = clock.now();
    const said = injectedMessage(reply.text, endedAt, { idempotencyKey: runId, meta: free.meta, extra: free.extra });
    const outcome: RunOutcome = { status: "ok", startedAt: input.acceptedAt, endedAt, stopReason: "stop" };
    await Promise.all([
      sessions.ensure(sessionKey, { createdVia: "operator", actor: input.actor }),
      sessions.append(sessionKey, [asked, said]),
      runs.commandDone(runId, outcome),
    ]);
    const content = [{ type: "text", text: reply.text, ...(reply.notice ? { openclawStatusNotice: true } : {}) }];
    const message = { ...shownMessage(said), content };
    bus.publish("chat", { runId, sessionKey, seq: 1, state: "final", message });
  }
}

/** A `/queue` with a message beside it: it counts for this message alone. */
function inlineQueue(text: string) {
  const directive = queueDirective(text);
  const counts = directive && directive.rest !== "" && directive.problem === undefined && !directive.reset;
  return counts && Object.keys(directive.queue).length > 0 ? directive : null;
}

/** @throws GatewayError for a session that is put away */
export function refuseArchived(session: SessionState | null): void {
  if (!session?.archived) return;
  throw invalidRequest(`Session "${session.key}" is archived. Restore it before starting new work.`);
}

const answerOf = (runIds: string[]): ChatAbortAnswer => ({ ok: true, aborted: runIds.length > 0, runIds });

/** Fields that say where a message comes from or how it is read; only administrators may set them (KNOWN_ATTACKS 28). */
function checkReserved(params: ChatSendParams, sender: Sender): void {
  if (sender.may("operator.admin")) return;
  const { systemInputProvenance, systemProvenanceReceipt, suppressCommandInterpretation } = params;
  if (systemInputProvenance || systemProvenanceReceipt || suppressCommandInterpretation) {
    throw invalidRequest("system provenance fields require admin scope");
  }
  const { originatingChannel, originatingTo, originatingAccountId, originatingThreadId } = params;
  if (originatingChannel || originatingTo || originatingAccountId || originatingThreadId) {
    throw invalidRequest("originating route fields require admin scope");
  }
}

/** Fields that would change what a run does and are not served yet: refused rather than ignored. */
function checkServed({ toolBindings }: ChatSendParams): void {
  if (Object.keys(toolBindings ?? {}).length === 0) return;
  throw invalidRequest("invalid chat.send params: toolBindings is not available in this gateway");
}

const settingsOf = ({ thinking, timeoutMs }: ChatSendParams): RunSettings => ({
  ...(thinking === undefined ? {} : { thinking }),
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
});
