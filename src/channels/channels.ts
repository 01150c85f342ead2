import { LIMITS } from "../../generated/limits.ts";
import type {
  ChannelLogoutResult,
  ChannelStartResult,
  ChannelStopResult,
  ChannelsLogoutParams,
  ChannelsPairingApproveParams,
  ChannelsPairingDismissParams,
  ChannelsPairingListParams,
  ChannelsPairingListResult,
  ChannelsStartParams,
  ChannelsStatusParams,
  ChannelsStatusResult,
  ChannelsStopParams,
} from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import type { EventLoopMonitor } from "../system/event-loop.ts";
import { type ConfiguredAccount, type ConfiguredChannel, configuredChannels } from "./configured.ts";

interface ChannelsDeps {
  config: ConfigPort;
  clock: Clock;
  eventLoop: EventLoopMonitor;
}

interface Caller {
  scopes: ReadonlySet<string>;
}

/**
 * The channels that people's messages come and go by, as configured. Nothing carries messages yet: a configured channel
 * is shown as not running, with the reason, and cannot be started; one that is not configured is unknown, as upstream
 * has it for a channel without its plugin.
 */
export class Channels {
  constructor(private readonly deps: ChannelsDeps) {}

  /** @throws GatewayError `unknown channel: x` when the one asked for is not configured */
  status({ channel }: ChannelsStatusParams): ChannelsStatusResult {
    const all = configuredChannels(this.deps.config.current);
    const shown = channel === undefined ? all : all.filter(({ id }) => id === channel.trim().toLowerCase());
    if (channel !== undefined && shown.length === 0) throw invalidRequest(`unknown channel: ${channel}`);
    const byId = <T>(value: (channel: ConfiguredChannel) => T): Record<string, T> =>
      Object.fromEntries(shown.map((each) => [each.id, value(each)]));
    return {
      ts: this.deps.clock.now(),
      channelOrder: shown.map(({ id }) => id),
      channelLabels: byId(({ label }) => label),
      channelDetailLabels: byId(({ label }) => label),
      channelSystemImages: {},
      channelMeta: shown.map(({ id, label }) => ({ id, label, detailLabel: label })),
      eventLoop: this.deps.eventLoop.facts(),
      channels: byId((each) => ({
        configured: true,
        running: false,
        lastError: each.accounts.some(({ enabled }) => enabled) ? cannotRun(each) : null,
      })),
      channelAccounts: byId((each) => each.accounts.map((account) => accountStatus(each, account))),
      channelDefaultAccountId: byId(({ defaultAccountId }) => defaultAccountId),
      statusIssues: [],
    };
  }

  /** @throws GatewayError always: `invalid channels.start channel`, or UNAVAILABLE for a configured one */
  start(params: ChannelsStartParams): ChannelStartResult {
    const { channel } = this.account("channels.start", params);
    throw new GatewayError("UNAVAILABLE", cannotRun(channel));
  }

  /** @throws GatewayError for a channel or an account that is not configured */
  stop(params: ChannelsStopParams): ChannelStopResult {
    const { channel, account } = this.account("channels.stop", params);
    return { channel: channel.id, accountId: account.accountId, stopped: true };
  }

  /** Ends what a channel's sign-in left here, which is nothing. @throws GatewayError as `stop` does */
  logout(params: ChannelsLogoutParams): ChannelLogoutResult {
    const { channel, account } = this.account("channels.logout", params);
    return { channel: channel.id, accountId: account.accountId, cleared: false };
  }

  /** Strangers who wait for being let in. @throws GatewayError for a channel that is not configured */
  pairingRequests({ channel }: ChannelsPairingListParams): ChannelsPairingListResult {
    if (channel !== undefined) this.pairingChannel(channel);
    const owners = this.deps.config.current.commands?.ownerAllowFrom;
    return {
      accounts: [],
      requests: [],
      commandOwnerConfigured: Array.isArray(owners) && owners.length > 0,
      limits: { pendingPerAccount: LIMITS.channelPairingPending, ttlMs: LIMITS.channelPairingTtlMs },
    };
  }

  /**
   * @throws GatewayError always, as nobody waits; FORBIDDEN without `operator.pairing`, or without `operator.admin` for
   *   making the stranger the owner of commands
   */
  approve(params: ChannelsPairingApproveParams, caller: Caller): never {
    if (params.bootstrapCommandOwner && !hasScope(caller, "operator.admin")) throw missingScope("operator.admin");
    throw this.noRequest(params);
  }

  /** @throws GatewayError always, as nobody waits */
  dismiss(params: ChannelsPairingDismissParams): never {
    throw this.noRequest(params);
  }

  /** @throws GatewayError always: no channel signs in with a picture on a screen */
  signIn(): never {
    throw invalidRequest("web login provider is not available");
  }

  private noRequest({ channel, requestId }: { channel: string; requestId: string }): GatewayError {
    this.pairingChannel(channel);
    return invalidRequest(`no pending pairing request "${requestId}"`);
  }

  private pairingChannel(id: string): void {
    if (!this.find(id)) throw invalidRequest(`unknown pairing channel: ${id}`);
  }

  private find(id: string): ConfiguredChannel | undefined {
    const wanted = id.trim().toLowerCase();
    return configuredChannels(this.deps.config.current).find((each) => each.id === wanted);
  }

  private account(method: string, params: { channel: string; accountId?: string }) {
    const channel = this.find(params.channel);
    if (!channel) throw invalidRequest(`invalid ${method} channel`);
    const wanted = params.accountId?.trim() || channel.defaultAccountId;
    const account = channel.accounts.find(({ accountId }) => accountId === wanted);
    if (!account) throw invalidRequest(`channel ${channel.id} has no account "${wanted}"`);
    return { channel, account };
  }
}

const cannotRun = ({ label }: ConfiguredChannel): string =>
  `${label} is configured, but this gateway cannot carry its messages yet`;

function accountStatus(channel: ConfiguredChannel, account: ConfiguredAccount) {
  const lastError = account.enabled ? cannotRun(channel) : null;
  return { ...account, configured: true, running: false, connected: false, lastError };
}
