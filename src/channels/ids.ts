/** Other names by which people and services call channels. */
const ALIASES: Readonly<Record<string, string>> = {
  bb: "bluebubbles",
  gchat: "googlechat",
  "google-chat": "googlechat",
  imsg: "imessage",
  "internet-relay-chat": "irc",
  lark: "feishu",
  nc: "nextcloud-talk",
  "nc-talk": "nextcloud-talk",
  "signal-cli": "signal",
  teams: "msteams",
  tg: "telegram",
  urbit: "tlon",
  wa: "whatsapp",
  "web-chat": "webchat",
  zl: "zalo",
  zlu: "zalouser",
};

/** The id of a channel as the configuration has it, whatever it is called. */
export function channelId(name: string): string {
  const plain = name.trim().toLowerCase();
  return ALIASES[plain] ?? plain;
}
