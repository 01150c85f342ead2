import type { ConfiguredChannel } from "../configured.ts";
import { type ChannelPort, DeliveryFailure, type Receipt } from "./port.ts";

/** What people can ask of channels beside sending; a channel does a part of them. */
export const MESSAGE_ACTIONS: ReadonlySet<string> = new Set([
  ...[
    "send",
    "poll",
    "react",
    "reactions",
    "read",
    "edit",
    "delete",
    "pin",
    "unpin",
    "list-pins",
    "permissions",
    "search",
  ],
  ...[
    "thread-create",
    "thread-list",
    "thread-reply",
    "member-info",
    "role-info",
    "role-add",
    "role-remove",
    "broadcast",
  ],
  ...["channel-info", "channel-list", "voice-status", "event-list", "event-create", "timeout", "kick", "ban"],
  ...["emoji-list", "emoji-upload", "sticker", "sticker-search", "sticker-upload", "topic-create", "topic-edit"],
  ...["sendAttachment", "set-presence"],
]);

const POLL_CHANNELS: ReadonlySet<string> = new Set(["telegram", "whatsapp", "discord", "msteams", "matrix"]);

/** A configured channel whose transport is not there: nothing goes out, and the reason is said. */
export const unattached = ({ id, label }: ConfiguredChannel): ChannelPort => ({
  id,
  capabilities: { polls: POLL_CHANNELS.has(id), actions: MESSAGE_ACTIONS },
  targetHint: "<target>",
  deliver: () =>
    Promise.reject(new DeliveryFailure(`${label} is configured, but this gateway cannot carry its messages yet`)),
});

/**
 * Telegram as long as nobody has given it a token: the one channel that upstream has on board without an installed plugin.
 * Words as recorded from 2026.9.6.
 */
export const TELEGRAM_WITHOUT_TOKEN: ChannelPort = {
  id: "telegram",
  capabilities: { polls: true, actions: MESSAGE_ACTIONS },
  targetHint: "<chatId>",
  async deliver({ content, accountId }): Promise<Receipt> {
    if (content.kind !== "action") {
      const place = `channels.telegram.accounts.${accountId}.botToken/tokenFile or TELEGRAM_BOT_TOKEN for default`;
      throw new DeliveryFailure(`Telegram bot token missing for account "${accountId}" (set ${place}).`);
    }
    if (content.action !== "react") {
      throw new DeliveryFailure("Telegram bot token missing. Set TELEGRAM_BOT_TOKEN or channels.telegram.botToken.");
    }
    if (content.params.messageId === undefined) {
      return { ok: false, reason: "missing_message_id", hint: "Say which message it is for." };
    }
    return { ok: false, reason: "missing_token", hint: "Telegram has no bot token yet." };
  },
};
