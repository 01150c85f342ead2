import type { ChatHandlers } from "../../generated/handlers.ts";
import type { ChatMetadataParams, ChatMetadataResult } from "../../generated/types.ts";
import { describeCommand } from "../agents/commands/describe.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { listModels } from "../models/list.ts";
import { invalidRequest } from "../platform/errors.ts";
import { chatHistory } from "../sessions/history.ts";
import { injectMessage } from "../sessions/inject.ts";
import { getMessage } from "../sessions/message.ts";
import { chatStartup } from "../sessions/startup.ts";
import { senderOf } from "./sender.ts";

export const chat: ChatHandlers<CallContext> = {
  "chat.send": async (params, { chat, mentions, caller }) => {
    const named = await mentions.selected(params.message, params.mentions, caller);
    return chat.send(params, senderOf(caller), named);
  },
  "chat.abort": (params, { chat, caller }) => chat.abort(params, senderOf(caller)),
  "chat.history": (params, { sessions, caller }) => chatHistory(sessions, params, caller),
  "chat.startup": (params, context) => {
    const { sessions, caller, subscriptions } = context;
    // A short id is all that such a client has; upstream saves it the call before which events would be missed.
    if ("shortId" in params) subscriptions.subscribeSessions();
    return chatStartup(sessions, params, caller, (agentId) => metadata({ agentId }, context));
  },
  "chat.metadata": metadata,
  "chat.message.get": (params, { sessions }) => getMessage(sessions, params),
  // Deprecated upstream: tool calls bring their own titles, and older clients stop asking when they hear this.
  "chat.toolTitles": () => ({ titles: {}, disabled: true }),
  "chat.inject": (params, { sessions, bus }) => injectMessage(sessions, bus, params),
};

/** What a composer offers: the models of the agent, and the commands that are understood. */
async function metadata(
  { agentId, sessionKey }: ChatMetadataParams,
  { models, agents, sessions, commands }: CallContext,
): Promise<ChatMetadataResult> {
  const named = agentId?.trim() && (agents.find(agentId)?.id ?? agentId);
  const agent = named || (sessionKey?.trim() ? sessions.agentOf(sessions.canonicalKey(sessionKey)) : undefined);
  const list = await listModels(models, agents, { agentId: agent });
  return {
    models: list.models,
    commands: (await commands.of(agent ?? agents.roster.defaultId)).map(describeCommand),
    swarmEnabled: false,
    accountSelection: { kind: "automatic", label: "Automatic account selection" },
    ...(sessionKey?.trim() ? { runtimeSelectionLocked: false } : {}),
  };
}

/** Upstream asks for the session before it looks at anything else (BEHAVIOUR section 5). */
const sessionRequired: Guard = ({ sessionKey }) => {
  if (typeof sessionKey === "string" && sessionKey.trim() !== "") return;
  throw invalidRequest("session mutation target is unavailable", {
    code: "SESSION_MUTATION_TARGET_REQUIRED",
    method: "chat.send",
  });
};

export const chatGuards = { "chat.send": sessionRequired } as const;
