import { LIMITS } from "../../../generated/limits.ts";
import type { MessageActionParams, OutboundResult, PollParams, SendParams } from "../../../generated/types.ts";
import { agentId, ownerRequired, type Roster, readRoster } from "../../agents/roster.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import { GatewayError, invalidRequest } from "../../platform/errors.ts";
import { uuid } from "../../platform/ids.ts";
import { canonicalKey, keyFacts } from "../../sessions/keys.ts";
import { type ConfiguredChannel, configuredChannels } from "../configured.ts";
import { requestedChannel } from "../ids.ts";
import { channelLabel } from "../names.ts";
import type { Attempt, Deliveries } from "./deliveries.ts";
import type { Delivery, OutboundMethod, Outbox } from "./outbox.ts";
import { checkPoll } from "./poll.ts";
import type { ChannelPort, OutboundMessage, Receipt } from "./port.ts";
import { withTexts } from "./texts.ts";
import { TELEGRAM_WITHOUT_TOKEN, unattached } from "./unattached.ts";

interface OutboundDeps {
  config: ConfigPort;
  defender: Pick<DefenderPort, "screen">;
  outbox: Outbox;
  deliveries(port: Outbound["port"]): Deliveries;
}

/** Who sends: an operator, for the record of the defender. */
export interface OutboundSender {
  deviceId?: string;
  client: { id: string };
}

interface Target {
  port: ChannelPort;
  accountId: string;
}

const NO_CHANNEL =
  "Error: Channel is required (no configured channels detected). Run openclaw channels add to configure one, or pass " +
  "--channel <channel> after enabling a channel. Use openclaw channels list --all to see available channel ids.";
const WEBCHAT =
  "unsupported channel: webchat (internal-only). Use `chat.send` for WebChat UI messages or choose a deliverable channel.";

/**
 * What goes out by channels (`send`, `poll`, `message.action`). A message is on disk before its channel is asked, is tried
 * again while the failure may pass, and is given up with its reason in the end; the same call again, also after a restart,
 * gets the answer of the first. Text goes to the defender first, which takes credentials out.
 * Refusals and their order as recorded from 2026.9.6.
 */
export class Outbound {
  readonly deliveries: Deliveries;
  private readonly transports = new Map<string, ChannelPort>();
  private readonly underWay = new Map<string, Promise<Attempt>>();

  constructor(private readonly deps: OutboundDeps) {
    this.deliveries = deps.deliveries((channel) => this.port(channel));
  }

  /** Gives a channel its transport. Returns the function that takes it away again. */
  attach(port: ChannelPort): () => void {
    this.transports.set(port.id, port);
    return () => {
      if (this.transports.get(port.id) === port) this.transports.delete(port.id);
    };
  }

  /** Whether a channel has its transport. */
  isAttached(id: string): boolean {
    return this.transports.has(id);
  }

  /** The id of a channel that messages can be given to; null for one that is not there. */
  known(channel: string): string | null {
    const id = requestedChannel(channel, (known) => this.find(known) !== undefined);
    return this.find(id) ? id : null;
  }

  configuredIds(): string[] {
    return this.configured().map(({ id }) => id);
  }

  /** How a channel is reached now. What waits for one that is no longer configured fails with that reason. */
  port(id: string): ChannelPort {
    return this.find(id) ?? unattached({ id, label: channelLabel(id), defaultAccountId: "default", accounts: [] });
  }

  /** @throws GatewayError UNAVAILABLE with `OUTBOUND_DELIVERY_QUEUED` when it has to wait for its channel */
  async send(params: SendParams, sender: OutboundSender): Promise<OutboundResult> {
    const text = params.message?.trim() ?? "";
    const mediaUrls = [params.mediaUrl, ...(params.mediaUrls ?? [])].flatMap((url) => url?.trim() || []);
    if (text === "" && mediaUrls.length === 0 && !params.buffer) {
      throw invalidRequest("invalid send params: text or media is required");
    }
    const { port, accountId } = this.target(params, WEBCHAT, (id) => `unsupported channel: ${id}`);
    const to = addressee(port, params.to);
    const mirrorKey = this.mirrorKey(params);
    const { buffer: data, filename, contentType, asVoice, gifPlayback, forceDocument, silent, parseMode } = params;
    const message: OutboundMessage = {
      deliveryId: uuid(),
      accountId,
      to,
      replyToId: params.replyToId,
      threadId: params.threadId,
      content: {
        kind: "message",
        text: await this.screened(text, sender, mirrorKey),
        mediaUrls,
        ...(data ? { buffer: { data, filename, contentType } } : {}),
        options: { asVoice, gifPlayback, forceDocument, silent, parseMode },
      },
    };
    const receipt = await this.deliver(
      "send",
      params.idempotencyKey,
      port,
      message,
      mirrorKey,
      "OutboundDeliveryError",
    );
    return { messageId: "", ...receipt, runId: params.idempotencyKey, channel: port.id };
  }

  /** A poll is tried once. @throws GatewayError UNAVAILABLE with the channel's reason */
  async poll(params: PollParams, sender: OutboundSender): Promise<OutboundResult> {
    const asked = this.asked(params.channel);
    if (asked !== "telegram") {
      if (params.durationSeconds !== undefined)
        throw invalidRequest(`durationSeconds is not supported for ${asked} polls`);
      if (params.isAnonymous !== undefined) throw invalidRequest(`isAnonymous is not supported for ${asked} polls`);
    }
    const unsupported = (id: string) => `unsupported poll channel: ${id}`;
    const { port, accountId } = this.target(params, unsupported("webchat"), unsupported);
    if (!port.capabilities.polls) throw invalidRequest(unsupported(port.id));
    const to = addressee(port, params.to);
    const poll = checkPoll(params);
    const parts = await Promise.all([poll.question, ...poll.options].map((part) => this.screened(part, sender, null)));
    const [question = "", ...options] = parts;
    const content = { kind: "poll", ...poll, question, options } as const;
    const message = { deliveryId: uuid(), accountId, to, threadId: params.threadId, content };
    const receipt = await this.deliver("poll", params.idempotencyKey, port, message, null, "Error");
    return { messageId: "", ...receipt, runId: params.idempotencyKey, channel: port.id };
  }

  /** An action is tried once. @returns what the channel says @throws GatewayError UNAVAILABLE with its reason */
  async act(params: MessageActionParams, sender: OutboundSender): Promise<Receipt> {
    const { action } = params;
    if (params.channel.trim() === "") throw invalidRequest(`unsupported channel: ${params.channel}`);
    const unsupported = (id: string) => `Channel ${id} does not support action ${action}.`;
    const { port, accountId } = this.target(params, WEBCHAT, unsupported);
    if (!port.capabilities.actions.has(action)) {
      throw invalidRequest(`Message action ${action} not supported for channel ${port.id}.`);
    }
    this.owner(params);
    const { to } = params.params;
    if (typeof to !== "string" || to.trim() === "")
      throw new GatewayError("UNAVAILABLE", "ToolInputError: to required");
    const screened = await withTexts(params.params, (text) => this.screened(text, sender, null));
    const content = { kind: "action", action, params: screened as Record<string, unknown> } as const;
    const message = { deliveryId: uuid(), accountId, to: to.trim(), replyToId: params.reply?.replyToId, content };
    return this.deliver("message.action", params.idempotencyKey, port, message, null, "Error");
  }

  private async deliver(
    method: OutboundMethod,
    idempotencyKey: string,
    port: ChannelPort,
    message: OutboundMessage,
    mirrorKey: string | null,
    kind: string,
  ): Promise<Receipt> {
    if (idempotencyKey.length > LIMITS.outboxKeyChars) throw invalidRequest("idempotencyKey is too long");
    const { deliveryId: id, accountId: account } = message;
    const result = await this.deps.outbox.add({
      id,
      method,
      idempotencyKey,
      channel: port.id,
      account,
      mirrorKey,
      message,
    });
    if (result === "full") throw new GatewayError("UNAVAILABLE", "too many messages wait for their channels");
    const call = `${method} ${idempotencyKey}`;
    let attempt: Attempt;
    if ("added" in result) {
      const first = this.deliveries.attempt(result.added);
      this.underWay.set(call, first);
      attempt = await first.finally(() => this.underWay.delete(call));
    } else attempt = (await this.underWay.get(call)) ?? outcomeOf(result.known);
    if ("receipt" in attempt) return attempt.receipt;
    const details = attempt.isQueued ? { code: "OUTBOUND_DELIVERY_QUEUED" } : undefined;
    throw new GatewayError("UNAVAILABLE", `${kind}: ${attempt.error}`, { details });
  }

  /** The text without credentials. @throws GatewayError when the defender does not let it out */
  private async screened(
    text: string,
    { deviceId, client }: OutboundSender,
    sessionKey: string | null,
  ): Promise<string> {
    if (text === "") return text;
    const decision = await this.deps.defender.screen(text, {
      direction: "outbound",
      origin: "paired-user",
      sessionKey: sessionKey ?? undefined,
      actor: deviceId ?? client.id,
    });
    if (decision.text !== undefined || decision.verdict !== "block") return decision.text ?? text;
    const reason = decision.findings[0]?.reason ?? "";
    throw invalidRequest(`The defender does not let this message out. ${reason}`.trim(), {
      code: "BLOCKED_BY_DEFENDER",
      decisionId: decision.id,
    });
  }

  /** @throws GatewayError for a channel or an account that is not there */
  private target(
    { channel, accountId }: { channel?: string; accountId?: string },
    webchat: string,
    unsupported: (id: string) => string,
  ): Target {
    const id = this.asked(channel);
    if (id === "webchat") throw invalidRequest(webchat);
    const port = this.find(id);
    if (!port) throw invalidRequest(unsupported(id));
    const configured = this.configured().find((each) => each.id === id);
    const known = configured?.accounts.map((account) => account.accountId) ?? ["default"];
    const wanted = accountId?.trim() || (configured?.defaultAccountId ?? "default");
    if (known.includes(wanted)) return { port, accountId: wanted };
    throw invalidRequest(`MessageActionDeniedError: Unknown account "${wanted}" for channel ${id}.`);
  }

  /** The channel that a call means. @throws GatewayError when it names none and there is not exactly one */
  private asked(channel = ""): string {
    if (channel.trim() === "") return this.onlyChannel();
    return requestedChannel(channel, (id) => this.configured().some((known) => known.id === id));
  }

  /** The channel that a call means which names none. */
  private onlyChannel(): string {
    const ids = this.configuredIds();
    if (ids.length === 1) return ids[0]!;
    if (ids.length === 0) throw invalidRequest(NO_CHANNEL);
    throw invalidRequest(`Error: Channel is required when multiple channels are configured: ${ids.join(", ")}`);
  }

  private find(id: string): ChannelPort | undefined {
    const configured = this.configured().find((channel) => channel.id === id);
    if (configured) return this.transports.get(id) ?? unattached(configured);
    return id === "telegram" ? TELEGRAM_WITHOUT_TOKEN : undefined;
  }

  private configured(): ConfiguredChannel[] {
    return configuredChannels(this.deps.config.current);
  }

  /** The session that gets a copy, or null. @throws GatewayError for an agent that is not there or does not own it */
  private mirrorKey(params: Owned): string | null {
    const { agent, key, roster } = this.owner(params);
    if (agent !== undefined) mustBeKnown(agent, roster);
    return key;
  }

  /** Whose call it is, as far as it says. @throws GatewayError when the session belongs to another agent */
  private owner({ agentId: named, sessionKey }: Owned) {
    const { config } = this.deps;
    const roster = readRoster(config.current, config.stateDir);
    const agent = named?.trim() ? agentId(named) : undefined;
    const key = sessionKey?.trim() ? canonicalKey(sessionKey, roster) : null;
    const owner = key === null ? undefined : keyFacts(key, roster).agentId;
    if (agent !== undefined && owner !== undefined && agent !== owner) {
      const remedy = `The agent-scoped session key belongs to "${owner}", not "${agent}".`;
      throw ownerRequired("session agent resolution", remedy);
    }
    return { agent: agent ?? owner, key, roster };
  }
}

interface Owned {
  agentId?: string;
  sessionKey?: string;
}

function mustBeKnown(agent: string, roster: Roster): void {
  if (roster.agents.some(({ id }) => id === agent)) return;
  const remedy = `Update the binding agentId "${agent}" to a configured agent.`;
  throw new GatewayError(
    "UNAVAILABLE",
    `AgentSelectionRequiredError: ${ownerRequired("route binding", remedy).message}`,
  );
}

function addressee({ id, targetHint }: ChannelPort, to: string): string {
  const target = to.trim();
  if (target !== "") return target;
  throw invalidRequest(`MessageActionDeniedError: Delivering to ${channelLabel(id)} requires target ${targetHint}`);
}

/** What the call that was made before is answered by now. */
function outcomeOf({ state, receipt, error }: Delivery): Attempt {
  if (receipt) return { receipt };
  return { error: error ?? "the message is being sent", isQueued: state !== "dead" };
}
