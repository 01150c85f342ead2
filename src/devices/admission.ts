import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { DeviceRepository } from "./device-repository.ts";
import { requestShape } from "./device-shape.ts";
import type { Devices } from "./devices.ts";
import { approve, type PairingReason, type PairingWish, pairingGap, requestFor } from "./pairing.ts";
import { union } from "./scopes.ts";
import { activeToken, allows, issuedAtMs, matchesHash, type TokenKey, withNewToken } from "./tokens.ts";
import type { ApprovedVia, DeviceRole, DeviceState, PairedDevice, PairingRequest, StoredToken } from "./types.ts";

export interface IssuedToken {
  token: string;
  issuedAtMs: number;
}

/** A device may come in, with the token that it should use from now on; or it has to wait for an approval. */
export type Admission =
  | { kind: "admitted"; device: PairedDevice; token: IssuedToken }
  | { kind: "required"; reason: PairingReason; request: PairingRequest; device: PairedDevice | null };

export interface AdmissionPolicy {
  /** How this wish is approved without asking anybody, or null when somebody has to be asked. */
  approve(reason: PairingReason): { via: ApprovedVia; scopes: readonly string[]; roles?: readonly DeviceRole[] } | null;
  /** Shown with a request: it came from this machine. */
  silent: boolean;
  /** The device token that the connection was authenticated with. */
  presented?: string;
}

export interface AdmissionOptions {
  repository: DeviceRepository;
  devices: Devices;
  key: TokenKey;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** Milliseconds for which a silent pairing is safe from being tidied away by the next one of its kind. */
  supersedeAgeMs: number;
}

/** Lets proven devices in: by their token, by what was approved, or by a pairing that needs no asking. */
export class DeviceAdmission {
  constructor(private readonly options: AdmissionOptions) {}

  /** The token's record, when it is this device's token for the role. Compares hashes in constant time. */
  async verifyToken(deviceId: string, role: DeviceRole, token: string): Promise<StoredToken | null> {
    const state = await this.options.repository.read(deviceId, this.options.clock.now());
    const known = activeToken(state, role);
    return known !== undefined && matchesHash(token, known.hash) ? known : null;
  }

  /** The present token of a role with what it allows, for a device that has just been let in; null when it has none. */
  async issued(deviceId: string, role: DeviceRole): Promise<(IssuedToken & { scopes: string[] }) | null> {
    const token = activeToken(await this.options.repository.read(deviceId, this.options.clock.now()), role);
    if (token === undefined) return null;
    const value = this.options.key.token(deviceId, role, token.seed);
    return { token: value, issuedAtMs: issuedAtMs(token), scopes: token.scopes };
  }

  /** Decides a wish. What it changes is on disk, and its events are out, when this resolves. */
  async admit(wish: PairingWish, policy: AdmissionPolicy): Promise<Admission> {
    const { repository, clock } = this.options;
    const now = clock.now();
    const state = await repository.read(wish.deviceId, now);
    if (pairingGap(state, wish) === null) {
      const known = this.knownToken(state, wish, policy.presented);
      if (known !== null) {
        this.touch(wish, policy);
        return { kind: "admitted", device: state.device!, token: known };
      }
    }
    const { admission, publish } = await repository.change(wish.deviceId, now, (before) => {
      const after = this.decide(before, wish, policy, now);
      return { state: after.state, result: after };
    });
    publish();
    return admission;
  }

  private decide(before: DeviceState, wish: PairingWish, policy: AdmissionPolicy, now: number): Decision {
    const reason = pairingGap(before, wish);
    if (reason === null) return this.withToken(before, wish, policy, now);
    const grant = policy.approve(reason);
    return grant === null
      ? this.asking(before, wish, { reason, silent: policy.silent, now })
      : this.approving(before, { ...wish, ...grant }, reason, now);
  }

  /** Everything is approved, but the token of the device is gone or allows less than it asks for. */
  private withToken(before: DeviceState, wish: PairingWish, policy: AdmissionPolicy, now: number): Decision {
    const known = this.knownToken(before, wish, policy.presented);
    const scopes = union(activeToken(before, wish.role)?.scopes ?? [], wish.scopes);
    const renewed =
      known === null ? withNewToken(this.options.key, before, wish.deviceId, { role: wish.role, scopes, now }) : before;
    const state = { ...renewed, device: seen(before.device!, wish, now) };
    return { state, admission: this.admitted(state, wish, known), publish: () => {} };
  }

  private approving(
    before: DeviceState,
    grant: PairingWish & { via: ApprovedVia; roles?: readonly DeviceRole[] },
    reason: PairingReason,
    now: number,
  ): Decision {
    const { bus, clock, key, log } = this.options;
    const { deviceId } = grant;
    const approved = approve(key, before, { ...grant, roles: grant.roles ?? [grant.role] }, now);
    const state = { ...approved, device: seen(approved.device!, grant, now) };
    const publish = (): void => {
      // A pairing that nobody was asked about should at least be found in the log (CVE-2026-35663).
      log.info("a device was paired without asking", { deviceId, reason, via: grant.via, role: grant.role });
      this.rejected(before.request);
      bus.publish("device.pair.resolved", { requestId: uuid(), deviceId, decision: "approved", ts: clock.now() });
      if (reason === "not-paired" && grant.via === "silent") {
        this.supersede(state.device, now).catch((error) => log.error("old pairings could not be removed", { error }));
      }
    };
    // The scopes of a grant can be those of another role than the one that connects.
    const wish = grant.role === "node" ? { ...grant, scopes: [] } : grant;
    return { state, admission: this.admitted(state, wish, null), publish };
  }

  private asking(
    before: DeviceState,
    wish: PairingWish,
    { reason, silent, now }: { reason: PairingReason; silent: boolean; now: number },
  ): Decision {
    const request = requestFor(before, wish, silent, now);
    const isNew = request.requestId !== before.request?.requestId;
    const publish = (): void => {
      if (!isNew) return;
      this.rejected(before.request);
      this.options.bus.publish("device.pair.requested", requestShape(request));
    };
    return {
      state: { ...before, request },
      admission: { kind: "required", reason, request, device: before.device },
      publish,
    };
  }

  /** A request whose place another took counts as rejected. */
  private rejected(request: PairingRequest | null): void {
    if (request === null) return;
    const { requestId, deviceId } = request;
    const ts = this.options.clock.now();
    this.options.bus.publish("device.pair.resolved", { requestId, deviceId, decision: "rejected", ts });
  }

  private admitted(
    state: DeviceState & { device: PairedDevice },
    wish: PairingWish,
    known: IssuedToken | null,
  ): Admission {
    return { kind: "admitted", device: state.device, token: known ?? this.knownToken(state, wish)! };
  }

  /** The token the device has and may go on using, or null when it needs another one. */
  private knownToken(
    state: DeviceState,
    { deviceId, role, scopes }: PairingWish,
    presented?: string,
  ): IssuedToken | null {
    const token = activeToken(state, role);
    if (token === undefined || !allows(token, scopes)) return null;
    const value = presented ?? this.options.key.token(deviceId, role, token.seed);
    return matchesHash(value, token.hash) ? { token: value, issuedAtMs: issuedAtMs(token) } : null;
  }

  /** Notes that the device was here. Nobody waits for it: a lost note costs nothing. */
  private touch(wish: PairingWish, { presented }: AdmissionPolicy): void {
    const { repository, clock, log } = this.options;
    const now = clock.now();
    repository
      .change(wish.deviceId, now, (state) => {
        if (state.device === null) return { result: undefined };
        const tokens = state.tokens.map((token) =>
          presented !== undefined && token.role === wish.role ? { ...token, lastUsedAtMs: now } : token,
        );
        return { state: { ...state, device: seen(state.device, wish, now), tokens }, result: undefined };
      })
      .catch((error) => log.warn("a device's last visit was not recorded", { error }));
  }

  /**
   * Programs with a throw-away state directory come as a new device every time. The silent pairings of the same
   * program that are not connected and not brand-new go (docs: gateway/pairing, supersede cleanup).
   */
  private async supersede(newest: PairedDevice, now: number): Promise<void> {
    const { repository, devices } = this.options;
    const alike = await repository.silentTwins(newest);
    const idle = alike.filter((deviceId) => !devices.isConnected(deviceId));
    if (idle.length === 0) return;
    const gone = await repository.removeStale(idle, now - this.options.supersedeAgeMs);
    for (const deviceId of gone) devices.accessEnds.publish({ deviceId });
    if (gone.length > 0) devices.noteChange();
  }
}

interface Decision {
  state: DeviceState;
  admission: Admission;
  /** Sends the events; called when the state is on disk. */
  publish(): void;
}

/** The device as it was just seen: its name may change freely, of its platform only the version, as the gap check saw. */
function seen(device: PairedDevice, { facts }: PairingWish, now: number): PairedDevice {
  const { displayName = device.displayName, platform = device.platform } = facts;
  return {
    ...device,
    displayName,
    ...(device.platform !== undefined && { platform }),
    lastSeenAtMs: now,
    lastSeenReason: undefined,
  };
}
