import type { GatewayConfig } from "../../generated/config.ts";
import { pluginSwitch } from "../config/plugin-policy.ts";
import { dict, text } from "../models/settings.ts";
import { channelLabel } from "./names.ts";

/** One account of a channel, as the configuration has it. */
export interface ConfiguredAccount {
  accountId: string;
  name?: string;
  enabled: boolean;
}

/** A channel that the configuration names. */
export interface ConfiguredChannel {
  id: string;
  label: string;
  defaultAccountId: string;
  accounts: ConfiguredAccount[];
}

/** Keys of `channels` that are no channel. */
const SHARED: ReadonlySet<string> = new Set(["defaults", "modelByChannel"]);
/** The account of a channel whose settings stand directly in its section. */
const ONLY_ACCOUNT = "default";

/** The channels of a configuration, by id. */
export function configuredChannels(config: GatewayConfig): ConfiguredChannel[] {
  return Object.entries(dict(config.channels))
    .filter(([id]) => !SHARED.has(id))
    .map(([id, raw]) => channel(id, dict(raw), pluginSwitch(config, id).isOn))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function channel(id: string, section: Record<string, unknown>, isInUse: boolean): ConfiguredChannel {
  const own = Object.entries(dict(section.accounts));
  const rows = own.length > 0 ? own : [[ONLY_ACCOUNT, section] as const];
  const accounts = rows.map(([accountId, raw]) => {
    const name = text(dict(raw).name);
    const enabled = isInUse && section.enabled !== false && dict(raw).enabled !== false;
    return { accountId, ...(name ? { name } : {}), enabled };
  });
  const wanted = text(section.defaultAccount);
  const first = accounts.find(({ accountId }) => accountId === (wanted ?? ONLY_ACCOUNT)) ?? accounts[0]!;
  return { id, label: channelLabel(id), defaultAccountId: first.accountId, accounts };
}
