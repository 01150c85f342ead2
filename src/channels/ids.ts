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

/** The names that upstream's gateway takes in a request, too. */
const REQUESTED: ReadonlySet<string> = new Set([
  "gchat",
  "google-chat",
  "imsg",
  "internet-relay-chat",
  "lark",
  "nc",
  "nc-talk",
  "teams",
  "zl",
  "zlu",
]);

/**
 * The channel that a request means. Every name of a channel that is there counts; of one that is not, those that upstream
 * takes, so that a refusal says the same.
 */
export function requestedChannel(name: string, isThere: (id: string) => boolean): string {
  const plain = name.trim().toLowerCase();
  const id = channelId(plain);
  return isThere(id) || REQUESTED.has(plain) ? id : plain;
}
