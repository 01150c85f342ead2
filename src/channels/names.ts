/** How channels are called where people read of them; one that is not here is called by its id. */
export const CHANNEL_LABELS: Readonly<Record<string, string>> = {
  bluebubbles: "BlueBubbles",
  clickclack: "ClickClack",
  discord: "Discord",
  feishu: "Feishu",
  googlechat: "Google Chat",
  imessage: "iMessage",
  irc: "IRC",
  line: "LINE",
  matrix: "Matrix",
  mattermost: "Mattermost",
  msteams: "Microsoft Teams",
  "nextcloud-talk": "Nextcloud Talk",
  nostr: "Nostr",
  qqbot: "QQ Bot",
  signal: "Signal",
  slack: "Slack",
  sms: "SMS",
  "synology-chat": "Synology Chat",
  telegram: "Telegram",
  tlon: "Tlon",
  twitch: "Twitch",
  whatsapp: "WhatsApp",
  zalo: "Zalo",
  zalouser: "Zalo Personal",
};

/** True for the id of a channel that there is, configured or not. */
export const isChannel = (id: string): boolean => Object.hasOwn(CHANNEL_LABELS, id);

export const channelLabel = (id: string): string => CHANNEL_LABELS[id] ?? id;
