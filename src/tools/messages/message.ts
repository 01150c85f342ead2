import { basename } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { SendParams } from "../../../generated/types.ts";
import type { Outbound, OutboundSender } from "../../channels/outbound/outbound.ts";
import { MESSAGE_ACTIONS } from "../../channels/outbound/unattached.ts";
import { dict } from "../../models/settings.ts";
import { aboutAction } from "../about.ts";
import { asked, object } from "../domain.ts";
import { fileArea } from "../files/create.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import type { MessageToolsDeps } from "./create.ts";

type Args = Record<string, unknown>;

/** Where a message goes. */
interface Target {
  channel: string;
  to: string;
  accountId?: string;
  threadId?: string;
}

const TEXT = { type: "string" };
/** Parameters of the actions that are handed to the channel as they are. */
const OF_ACTIONS = {
  messageId: TEXT,
  emoji: TEXT,
  remove: { type: "boolean" },
  limit: { type: "integer", minimum: 1 },
  before: TEXT,
  after: TEXT,
  query: TEXT,
  userId: TEXT,
  roleId: TEXT,
  guildId: TEXT,
  channelId: TEXT,
  threadName: TEXT,
  name: TEXT,
  reason: TEXT,
  durationMin: { type: "integer", minimum: 1 },
  stickerId: TEXT,
};
const TEXTS = { type: "array", items: TEXT };
const MOST_TARGETS = 20;

const PARAMETERS = object(
  {
    action: { type: "string", enum: [...MESSAGE_ACTIONS] },
    channel: TEXT,
    target: {
      type: "string",
      description: "Chat id, number, handle or address; the conversation of this session unless told.",
    },
    targets: { ...TEXTS, minItems: 1, maxItems: MOST_TARGETS, description: "broadcast" },
    accountId: TEXT,
    threadId: TEXT,
    replyTo: TEXT,
    message: TEXT,
    media: { type: "string", description: "Address or path of a file." },
    buffer: { type: "string", description: "A file as base64." },
    filename: TEXT,
    contentType: TEXT,
    asVoice: { type: "boolean" },
    gifPlayback: { type: "boolean" },
    forceDocument: { type: "boolean" },
    silent: { type: "boolean" },
    dryRun: { type: "boolean" },
    pollQuestion: TEXT,
    pollOption: TEXTS,
    pollMulti: { type: "boolean" },
    pollDurationHours: { type: "integer", minimum: 1 },
    ...OF_ACTIONS,
  },
  ["action"],
);

/** `message`: what goes out by channels (docs: cli/message). What a channel cannot do is refused before it is asked. */
export function messageTool(deps: MessageToolsDeps): Tool {
  return {
    name: "message",
    description:
      "Writes to people on channels: send (message, media or buffer), broadcast (targets), poll (pollQuestion, pollOption), and what the channel can do beside: react, edit, delete, pin and others. Without target it goes to the conversation of this session.",
    parameters: PARAMETERS,
    run: (args, context) => perform(deps, args, context),
  };
}

async function perform(deps: MessageToolsDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  const action = String(args.action);
  const settings = dict(dict(deps.config.current.tools).message);
  const allowed = dict(settings.actions).allow;
  if (Array.isArray(allowed) && !allowed.includes(action))
    throw new ToolError(`The configuration does not allow ${action}.`);
  if (action === "broadcast") return broadcast(deps, args, context, dict(settings.broadcast).enabled !== false);
  const target = await targetOf(deps, args, context);
  const sender = senderOf(context);
  if (action === "send") return jsonResult({ ...(await send(deps, args, target, context)) });
  if (args.dryRun === true) return jsonResult(dryRun(target));
  await judge(deps, target, String(args.pollQuestion ?? args.message ?? ""), context);
  const idempotencyKey = keyOf(context);
  if (action === "poll") {
    const { pollQuestion: question, pollOption: options, pollMulti, pollDurationHours: durationHours, silent } = args;
    if (typeof question !== "string" || !Array.isArray(options))
      throw new ToolError("pollQuestion and pollOption required");
    const more = {
      ...given({ durationHours, silent }),
      ...(pollMulti === true ? { maxSelections: options.length } : {}),
    };
    const poll = { ...target, question, options: options.map(String), ...more, idempotencyKey };
    return jsonResult({ ...(await asked(deps.outbound.poll(poll, sender))) });
  }
  const { action: _action, channel: _channel, target: _target, accountId: _account, media: _media, ...params } = args;
  const { channel, to, accountId } = target;
  const screened = { ...params, ...(await fileOf(deps, args, context)), to };
  const call = { channel, action, params: screened, ...given({ accountId }), idempotencyKey };
  return jsonResult({ ...(await asked(deps.outbound.act(call as Parameters<Outbound["act"]>[0], sender))) });
}

async function broadcast(deps: MessageToolsDeps, args: Args, context: ToolContext, isOn: boolean): Promise<ToolResult> {
  if (!isOn) throw new ToolError("The configuration does not allow broadcasts.");
  if (!Array.isArray(args.targets)) throw new ToolError("targets required");
  const results: Record<string, unknown>[] = [];
  for (const [at, name] of args.targets.map(String).entries()) {
    try {
      const target = await targetOf(deps, { ...args, target: name }, context);
      results.push({ to: name, ok: true, result: await send(deps, args, target, context, `:${at}`) });
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      results.push({ to: name, ok: false, error: error.message });
    }
  }
  return jsonResult({ results });
}

async function send(
  deps: MessageToolsDeps,
  args: Args,
  target: Target,
  context: ToolContext,
  suffix = "",
): Promise<object> {
  const message = typeof args.message === "string" ? args.message : "";
  const media = typeof args.media === "string" ? args.media.trim() : "";
  if (message.trim() === "" && media === "" && args.buffer === undefined) throw new ToolError("message required");
  if (args.dryRun === true) return dryRun(target);
  await judge(deps, target, message, context);
  const { replyTo: replyToId, asVoice, gifPlayback, forceDocument, silent } = args;
  const params = {
    ...target,
    ...(message.trim() === "" ? {} : { message }),
    ...(await fileOf(deps, args, context)),
    ...given({ replyToId, asVoice, gifPlayback, forceDocument, silent }),
    agentId: context.agentId,
    idempotencyKey: `${keyOf(context)}${suffix}`,
  };
  return asked(deps.outbound.send(params as SendParams, senderOf(context)));
}

/** What a call attaches: an address, a file in the call itself, or one that the session's tools may read. */
async function fileOf(deps: MessageToolsDeps, args: Args, context: ToolContext): Promise<object> {
  const { buffer, filename, contentType } = args;
  const media = textOf(args.media);
  if (media === undefined) return given({ buffer, filename, contentType });
  return /^https?:\/\//i.test(media) ? { mediaUrl: media } : attached(deps, media, context);
}

/** No path reaches a channel: what it is given are the bytes (KNOWN_ATTACKS 65). */
async function attached(deps: MessageToolsDeps, path: string, context: ToolContext): Promise<object> {
  const here = fileArea(deps)(context);
  const { parts } = here.wanted(path);
  try {
    const { bytes } = await here.root.read(parts, LIMITS.attachmentMaxBytes);
    return { buffer: bytes.toString("base64"), filename: basename(path) };
  } catch (error) {
    throw here.told(error, path);
  }
}

/**
 * Where the call wants to go, or where the session's last message came from. A turn that is not its owner's answers
 * where it was asked and nowhere else; one that a channel brought does not write to another channel unless the
 * configuration lets it (docs: gateway/config-tools, tools.message).
 * @throws ToolError
 */
async function targetOf(deps: MessageToolsDeps, args: Args, context: ToolContext): Promise<Target> {
  const own = await deps.sessions.lastRoute(context.sessionKey);
  const wanted = given({ channel: textOf(args.channel), to: textOf(args.target), ...place(args) }) as Partial<Target>;
  if (wanted.to === undefined && own === null) throw new ToolError("target required");
  const target =
    wanted.to === undefined ? { ...own!, ...place(args) } : { channel: own?.channel ?? "", ...wanted, to: wanted.to };
  const isOwn = own !== null && own.to === target.to && own.channel === target.channel;
  if (!isOwn && !context.isOwner) throw new ToolError("Only its owner may have this agent write elsewhere.");
  if (isOwn || context.channel === undefined) return target;
  const { allowWithinProvider, allowAcrossProviders } = dict(
    dict(dict(deps.config.current.tools).message).crossContext,
  );
  const isAcross = target.channel !== "" && target.channel !== context.channel;
  if (isAcross ? allowAcrossProviders === true : allowWithinProvider !== false) return target;
  throw new ToolError(
    `This conversation of ${context.channel} may not write to ${target.channel}:${target.to} (tools.message.crossContext).`,
  );
}

const place = (args: Args): Partial<Target> =>
  given({ accountId: textOf(args.accountId), threadId: textOf(args.threadId) }) as Partial<Target>;

/** @throws ToolError with the reason of the rule that decided */
async function judge(
  { defender }: MessageToolsDeps,
  { channel, to }: Target,
  text: string,
  context: ToolContext,
): Promise<void> {
  const action = { kind: "outbound-message", channel, target: to, text } as const;
  const { verdict, findings } = await defender.judge(action, aboutAction(context));
  if (verdict !== "allow")
    throw new ToolError(`The defender does not let this message out. ${findings[0]?.reason ?? ""}`.trim());
}

const dryRun = ({ channel, to }: Target) => ({ channel, to, via: "direct", mediaUrl: null, dryRun: true });

const senderOf = ({ agentId }: ToolContext): OutboundSender => ({ client: { id: `agent:${agentId}` } });

/** The same call of the same run is the same message, also after a restart. */
const keyOf = ({ runId, toolCallId }: ToolContext): string => `tool:${runId}:${toolCallId}`;

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;

const given = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
