import { configuredChannels } from "../../channels/configured.ts";
import type { Conversations } from "../../channels/conversations.ts";
import type { Outbound } from "../../channels/outbound/outbound.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { FileToolsOptions } from "../files/create.ts";
import type { FileSettingsDeps } from "../files/settings.ts";
import type { Tool } from "../types.ts";
import { conversationTools } from "./conversations.ts";
import { messageTool } from "./message.ts";

export interface MessageToolsDeps extends FileSettingsDeps {
  config: ConfigPort;
  sandboxes: NonNullable<FileToolsOptions["sandboxes"]>;
  sessions: Pick<Sessions, "lastRoute">;
  outbound: Outbound;
  conversations: Conversations;
  defender: Pick<DefenderPort, "judge">;
}

/** The tools that speak to people on channels; there are none before a channel is configured. */
export function messageTools(deps: MessageToolsDeps): Tool[] {
  const isAvailable = (): boolean =>
    configuredChannels(deps.config.current).some(({ accounts }) => accounts.some(({ enabled }) => enabled));
  return [messageTool(deps), ...conversationTools(deps.conversations)].map((tool) => ({ ...tool, isAvailable }));
}
