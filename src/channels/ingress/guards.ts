import type { GatewayConfig } from "../../../generated/config.ts";
import { dict } from "../../models/settings.ts";
import { isSet } from "../../platform/secret-value.ts";
import { configuredChannels } from "../configured.ts";
import type { IngressTarget } from "./routes.ts";

/** How a sender proves that it knows an account's secret. */
export type Proof = "header-token" | "line" | "slack" | "nextcloud-talk" | "whatsapp";

/** An account that may receive, and what its senders must know. */
export interface IngressAccount {
  accountId: string;
  /** Empty when none is configured: then nothing is let in. */
  guards: { proof: Proof; secret: string }[];
}

/** The secrets of an account by the key that holds them, and how each is used (docs: channels/<id>). */
const KEYS: Readonly<Record<string, readonly [key: string, proof: Proof][]>> = {
  line: [["channelSecret", "line"]],
  slack: [["signingSecret", "slack"]],
  "nextcloud-talk": [["botSecret", "nextcloud-talk"]],
  whatsapp: [["appSecret", "whatsapp"]],
};
const ANY: readonly [string, Proof][] = [["webhookSecret", "header-token"]];

/**
 * The accounts that a webhook may be for: the one it names, else all that are enabled. Null for a channel or an account
 * that is not configured, or switched off.
 */
export function ingressAccounts(config: GatewayConfig, { channel, account }: IngressTarget): IngressAccount[] | null {
  const found = configuredChannels(config).find(({ id }) => id === channel);
  const enabled = found?.accounts.filter(
    (each) => each.enabled && (account === undefined || each.accountId === account),
  );
  if (!enabled || enabled.length === 0) return null;
  const section = dict(dict(config.channels)[channel]);
  return enabled.map(({ accountId }) => {
    const own = { ...section, ...dict(dict(section.accounts)[accountId]) };
    const guards = [...(KEYS[channel] ?? []), ...ANY].flatMap(([key, proof]) => {
      const secret = own[key];
      return isSet(secret) ? [{ proof, secret }] : [];
    });
    return { accountId, guards };
  });
}
