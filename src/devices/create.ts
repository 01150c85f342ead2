import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../store/store.ts";
import { DeviceAdmission } from "./admission.ts";
import { DeviceRepository } from "./device-repository.ts";
import { Devices, type NodeSurfacesPort } from "./devices.ts";
import { ScopeUpgrades } from "./scope-upgrades.ts";
import { SetupRepository } from "./setup-repository.ts";
import { DeviceSetups } from "./setups.ts";
import { TokenKey } from "./tokens.ts";

export interface DeviceServices {
  readonly devices: Devices;
  readonly deviceAdmission: DeviceAdmission;
  readonly deviceTokenKey: TokenKey;
  readonly deviceSetups: DeviceSetups;
  readonly scopeUpgrades: ScopeUpgrades;
}

/** The room's services over one store. Opens no file: the token key is read when the first token is made. */
export function createDevices(deps: {
  store: Store;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  surfaces: NodeSurfacesPort;
}): DeviceServices {
  const { store, config, bus, clock } = deps;
  const log = deps.log.child("devices");
  const deviceTokenKey = new TokenKey(config.stateDir);
  const repository = new DeviceRepository(store, LIMITS);
  const devices = new Devices({ repository, key: deviceTokenKey, bus, clock, surfaces: deps.surfaces });
  const supersedeAgeMs = LIMITS.deviceSupersedeAgeMs;
  const deviceAdmission = new DeviceAdmission({
    repository,
    devices,
    key: deviceTokenKey,
    bus,
    clock,
    log,
    supersedeAgeMs,
  });
  const setupRepository = new SetupRepository(store, LIMITS);
  const deviceSetups = new DeviceSetups({ repository: setupRepository, bus, clock, ttlMs: LIMITS.setupCodeTtlMs });
  const scopeUpgrades = new ScopeUpgrades({ repository, admission: deviceAdmission, bus, clock, limits: LIMITS });
  return { devices, deviceAdmission, deviceTokenKey, deviceSetups, scopeUpgrades };
}
