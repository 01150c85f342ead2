import type { GatewayConfig } from "../../generated/config.ts";
import { keyFacts } from "../sessions/keys.ts";
import type { SessionState } from "../sessions/types.ts";
import type { Roster } from "./roster.ts";

/**
 * True when messages may be sent into a session. What the session itself says goes first; else `session.sendPolicy`:
 * one matching rule that denies is enough, and where no rule matches its default counts, which is to allow
 * (docs: gateway/config-agents/sessions).
 */
export function maySend(
  { session: settings }: GatewayConfig,
  roster: Pick<Roster, "defaultId" | "mainKey">,
  sessionKey: string,
  session: SessionState | null,
): boolean {
  if (session?.sendPolicy) return session.sendPolicy === "allow";
  const policy = settings?.sendPolicy;
  const { channel = "webchat", kind, peerKind } = keyFacts(sessionKey, roster);
  const facts = {
    channel,
    chatType: peerKind === "channel" ? "channel" : kind === "group" ? "group" : "direct",
    key: sessionKey.replace(/^agent:[^:]+:/, ""),
    rawKey: sessionKey,
  };
  const matching = (policy?.rules ?? []).filter(({ match }) => matches(match, facts));
  if (matching.some(({ action }) => action === "deny")) return false;
  return matching.some(({ action }) => action === "allow") || policy?.default !== "deny";
}

interface Match {
  channel?: string;
  chatType?: string;
  keyPrefix?: string;
  rawKeyPrefix?: string;
}

/** A rule without conditions matches everything. */
function matches(
  { channel, chatType, keyPrefix, rawKeyPrefix }: Match = {},
  facts: { channel: string; chatType: string; key: string; rawKey: string },
): boolean {
  return (
    (channel === undefined || channel.toLowerCase() === facts.channel) &&
    (chatType === undefined || (chatType === "dm" ? "direct" : chatType) === facts.chatType) &&
    (keyPrefix === undefined || facts.key.startsWith(keyPrefix.toLowerCase())) &&
    (rawKeyPrefix === undefined || facts.rawKey.startsWith(rawKeyPrefix.toLowerCase()))
  );
}
