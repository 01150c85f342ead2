import type { DevicePairSetupStatusResult } from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { secretToken, uuid } from "../platform/ids.ts";
import type { SetupRepository, SetupRow } from "./setup-repository.ts";
import { hashToken } from "./tokens.ts";
import type { DeviceFacts, DeviceRole } from "./types.ts";

/** What a setup code lets a device become: a node, and with `full` or `limited` also an operator with these scopes. */
export type SetupAccess = "full" | "limited" | "node";

const LIMITED = [
  "operator.approvals",
  "operator.questions",
  "operator.read",
  "operator.talk.secrets",
  "operator.write",
] as const;

/** The ceiling of each kind. No code hands out pairing: a phone must not let further devices in. */
export const SETUP_SCOPES: Readonly<Record<SetupAccess, readonly string[]>> = {
  full: ["operator.admin", ...LIMITED],
  limited: LIMITED,
  node: [],
};

/** A code that a device presented and may use. */
export interface RedeemableSetup {
  setupId: string;
  access: SetupAccess;
}

export interface NewSetup {
  setupId: string;
  /** Told once, inside the code; only its hash is kept. */
  bootstrapToken: string;
  expiresAtMs: number;
}

/**
 * Setup codes: a token that lets one new device in once, within ten minutes (docs: channels/pairing). It belongs to
 * the first device and role that present it, so that a copied code is worth nothing to a second one (CVE-2026-32987).
 */
export class DeviceSetups {
  constructor(private readonly options: { repository: SetupRepository; bus: EventBus; clock: Clock; ttlMs: number }) {}

  async create(access: SetupAccess): Promise<NewSetup> {
    const { repository, clock, ttlMs } = this.options;
    const now = clock.now();
    const bootstrapToken = secretToken();
    const setup = { setupId: uuid(), expiresAtMs: now + ttlMs };
    await repository.create({ ...setup, hash: hashToken(bootstrapToken), access, createdAtMs: now });
    return { ...setup, bootstrapToken };
  }

  /** The code that the token stands for, now bound to this device and role; null when it is of no use to them. */
  async present(
    token: string,
    wish: { deviceId: string; role: DeviceRole; scopes: readonly string[] },
  ): Promise<RedeemableSetup | null> {
    const now = this.options.clock.now();
    return this.options.repository.change(hashToken(token), (setup) => {
      if (setup === null || setup.consumedAtMs !== undefined || setup.expiresAtMs <= now || !fits(setup, wish)) {
        return { result: null };
      }
      const { deviceId, role } = wish;
      return { setup: { ...setup, deviceId, role }, result: { setupId: setup.setupId, access: setup.access } };
    });
  }

  /** Uses the code up. False when another connection was faster. Until the answer is out its outcome is uncertain. */
  async consume(token: string, deviceName: string | undefined): Promise<boolean> {
    const now = this.options.clock.now();
    return this.options.repository.change(hashToken(token), (setup) => {
      if (setup === null || setup.consumedAtMs !== undefined) return { result: false };
      return { setup: { ...setup, consumedAtMs: now, deviceName }, result: true };
    });
  }

  /** Records whether the device got its credentials, and says so to those who wait for it. */
  async settle(token: string, delivered: boolean): Promise<void> {
    const { repository, bus, clock } = this.options;
    const setup = await repository.change(hashToken(token), (before) => {
      if (before === null) return { result: null };
      const after = { ...before, ...(delivered && { completedAtMs: clock.now() }) };
      return { setup: after, result: after };
    });
    if (setup === null) return;
    bus.publish(delivered ? "device.pair.setup.completed" : "device.pair.setup.deliveryUncertain", outcomeOf(setup));
  }

  /** What became of a code: its completion, a doubtful one, or nothing that is known (yet). */
  async status(setupId: string): Promise<DevicePairSetupStatusResult> {
    const setup = await this.options.repository.find(setupId, this.options.clock.now());
    if (setup?.consumedAtMs === undefined) return {};
    const outcome = outcomeOf(setup);
    return setup.completedAtMs === undefined ? { deliveryUncertain: outcome } : { completion: outcome };
  }
}

/** True when the code may be used so: by the device and role it belongs to, within its ceiling. */
function fits(
  setup: SetupRow,
  { deviceId, role, scopes }: { deviceId: string; role: DeviceRole; scopes: readonly string[] },
) {
  if (setup.deviceId !== undefined && (setup.deviceId !== deviceId || setup.role !== role)) return false;
  if (role === "node") return scopes.length === 0;
  return setup.access !== "node" && scopes.every((scope) => SETUP_SCOPES[setup.access].includes(scope));
}

function outcomeOf({
  setupId,
  deviceId = "",
  deviceName,
  access,
  consumedAtMs = 0,
  completedAtMs = consumedAtMs,
}: SetupRow) {
  return { setupId, deviceId, ...(deviceName !== undefined && { deviceName }), access, ts: completedAtMs };
}

/**
 * True for the programs that setup codes are made for, when they describe themselves as those do: the phone apps, and
 * node hosts with a code for nodes. Others wait for an approval although they have a code.
 */
export function isMeantFor(
  access: SetupAccess,
  { clientId, clientMode, platform = "", deviceFamily = "" }: DeviceFacts,
): boolean {
  if (access === "node" && clientId === "node-host" && clientMode === "node") return true;
  if (clientMode !== "node") return false;
  if (clientId === "openclaw-ios") return /^(iPhone|iPad)$/.test(deviceFamily) && /^(iOS|iPadOS)\b/i.test(platform);
  return clientId === "openclaw-android" && deviceFamily === "Android" && /^android\b/i.test(platform);
}
