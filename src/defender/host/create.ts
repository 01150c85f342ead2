import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Store } from "../../store/store.ts";
import { Baseline } from "./baseline.ts";
import { HostGuard } from "./host-guard.ts";
import { guardedPaths } from "./paths.ts";

/** The guard of this gateway's and its user's files, as the configuration has it. Nothing is read yet. */
export function createHostGuard({
  store,
  config,
  bus,
  clock,
  log,
}: {
  store: Store;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}): HostGuard {
  const settings = () => config.current.security.defender.host;
  return new HostGuard({
    baseline: new Baseline(store),
    paths: () =>
      guardedPaths({
        configPath: config.path,
        stateDir: config.stateDir,
        program: process.execPath,
        more: settings().paths,
        limit: LIMITS.hostPaths,
      }),
    isEnabled: () => config.current.security.defender.enabled && settings().enabled,
    bus,
    clock,
    log: log.child("host"),
    limits: LIMITS,
  });
}
