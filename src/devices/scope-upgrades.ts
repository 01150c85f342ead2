import type { ScopeUpgradeRegistration, ScopeUpgradeResult } from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { DeviceAdmission } from "./admission.ts";
import type { DeviceRepository } from "./device-repository.ts";
import { requestShape } from "./device-shape.ts";
import { factsOf, requestFor } from "./pairing.ts";
import { coversAll, expand, isKnownScope } from "./scopes.ts";
import type { PairedDevice } from "./types.ts";

/** Who asks for more: facts of its connection. */
export interface UpgradeCaller {
  role: "operator" | "node";
  deviceId?: string;
  scopes: ReadonlySet<string>;
}

export interface ScopeUpgradesOptions {
  repository: DeviceRepository;
  admission: Pick<DeviceAdmission, "issued">;
  bus: EventBus;
  clock: Clock;
  limits: { pairingRequestTtlMs: number; scopeUpgradesKept: number };
}

/** An upgrade that was asked for, and how it ended. */
interface Upgrade {
  deviceId: string;
  scopes: readonly string[];
  decision?: "approved" | "rejected";
  waiting: Set<() => void>;
}

/**
 * A connected device asks for more scopes than it has and waits for the decision without connecting anew. What it asks
 * for is a pairing request like any other, in the database; how one ended is remembered for a while (docs: control UI,
 * scope upgrades).
 */
export class ScopeUpgrades {
  /** By request id, oldest first. */
  private readonly upgrades = new Map<string, Upgrade>();

  constructor(private readonly options: ScopeUpgradesOptions) {
    options.bus.subscribe(({ event, payload }) => {
      if (event !== "device.pair.resolved") return;
      const { requestId, decision } = payload as { requestId: string; decision: "approved" | "rejected" };
      this.decided(requestId, decision);
    });
  }

  /**
   * Files the request, or finds the one that waits and covers it. @throws GatewayError without a paired operator device,
   * for a scope that does not exist, and when it would leave out what the connection has
   */
  async request(wanted: readonly string[], caller: UpgradeCaller): Promise<ScopeUpgradeRegistration> {
    const scopes = expand(wanted);
    const { repository, bus, clock } = this.options;
    const device = await this.deviceOf(caller);
    if (!scopes.every(isKnownScope)) throw invalidRequest("requested scopes contain an unknown operator scope");
    if (!coversAll(scopes, caller.scopes)) {
      throw invalidRequest("requested scopes must include the connection's current scopes");
    }
    const now = clock.now();
    const { deviceId, publicKey, remoteIp } = device;
    const wish = { deviceId, publicKey, role: "operator" as const, scopes, facts: factsOf(device), remoteIp };
    const { request, before } = await repository.change(deviceId, now, (state) => {
      if (state.device?.publicKey !== publicKey) throw deviceRequired();
      const request = requestFor(state, wish, false, now);
      return { state: { ...state, request }, result: { request, before: state.request } };
    });
    const { requestId } = request;
    this.remember(requestId, { deviceId, scopes: request.scopes, waiting: new Set() });
    if (before !== null && before.requestId !== requestId) {
      const rejected = { requestId: before.requestId, deviceId, decision: "rejected", ts: clock.now() };
      bus.publish("device.pair.resolved", rejected);
    }
    if (before?.requestId !== requestId) bus.publish("device.pair.requested", requestShape(request));
    return { requestId };
  }

  /**
   * How a request of this device ended, once it has: with the new token, or that it was rejected or nobody decided.
   * @throws GatewayError `scope upgrade expired or not found`, also for another device's
   */
  async wait(requestId: string, caller: UpgradeCaller, signal: AbortSignal): Promise<ScopeUpgradeResult> {
    const { deviceId } = await this.deviceOf(caller);
    const upgrade = this.upgrades.get(requestId) ?? (await this.stored(requestId, deviceId));
    if (upgrade?.deviceId !== deviceId) throw invalidRequest("scope upgrade expired or not found");
    if (upgrade.decision === undefined) await this.end(requestId, upgrade, signal);
    if (upgrade.decision === undefined) return { status: "expired", requestId };
    if (upgrade.decision === "rejected") return { status: "rejected", requestId };
    const token = await this.options.admission.issued(deviceId, "operator");
    if (token === null || !coversAll(token.scopes, upgrade.scopes)) return { status: "expired", requestId };
    return { status: "approved", requestId, deviceToken: token.token, scopes: [...upgrade.scopes] };
  }

  private async deviceOf({ role, deviceId }: UpgradeCaller): Promise<PairedDevice> {
    const { repository, clock } = this.options;
    if (role !== "operator" || deviceId === undefined) throw deviceRequired();
    const { device } = await repository.read(deviceId, clock.now());
    if (device === null) throw deviceRequired();
    return device;
  }

  /** A request from before the gateway was started anew, that still waits. */
  private async stored(requestId: string, deviceId: string): Promise<Upgrade | undefined> {
    const { repository, clock } = this.options;
    const { request } = await repository.read(deviceId, clock.now());
    if (request?.requestId !== requestId || request.role !== "operator") return undefined;
    return this.remember(requestId, { deviceId, scopes: request.scopes, waiting: new Set() });
  }

  private remember(requestId: string, upgrade: Upgrade): Upgrade {
    const known = this.upgrades.get(requestId);
    if (known !== undefined) return known;
    this.upgrades.set(requestId, upgrade);
    for (const [id, { waiting }] of this.upgrades) {
      if (this.upgrades.size <= this.options.limits.scopeUpgradesKept) break;
      this.upgrades.delete(id);
      for (const wake of [...waiting]) wake();
    }
    return upgrade;
  }

  private decided(requestId: string, decision: "approved" | "rejected"): void {
    const upgrade = this.upgrades.get(requestId);
    if (upgrade === undefined) return;
    upgrade.decision ??= decision;
    for (const wake of [...upgrade.waiting]) wake();
  }

  /** Resolves when it is decided, its time is over, or the caller has left. */
  private async end(requestId: string, upgrade: Upgrade, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.options.limits.pairingRequestTtlMs);
    upgrade.waiting.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted || this.upgrades.get(requestId) !== upgrade) resolve();
    await promise;
    clearTimeout(timer);
    upgrade.waiting.delete(resolve);
  }
}

const deviceRequired = () =>
  invalidRequest(
    "device scope upgrade requires a paired browser identity; reopen the Control UI over HTTPS or localhost, then retry",
    { code: "DEVICE_IDENTITY_REQUIRED", recommendedNextStep: "reopen_control_ui_securely" },
  );
