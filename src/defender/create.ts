import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { OWN_VERSION } from "../protocol/version.ts";
import { Settings } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import { Attestor } from "./attest/attestor.ts";
import { BundleSource } from "./bundles/bundle-source.ts";
import { DecisionRepository } from "./decision-repository.ts";
import { Defender } from "./defender.ts";
import { DefenderDesk } from "./desk.ts";
import { actionGuards, TEXT_GUARDS } from "./guards.ts";
import { createHostGuard } from "./host/create.ts";
import { HostDesk } from "./host/desk.ts";
import type { HostGuard } from "./host/host-guard.ts";
import { ownFilesGuard } from "./own-files.ts";
import { PolicyFile } from "./policy/policy-file.ts";
import { HostKey } from "./records/host-key.ts";
import { Quarantine } from "./records/quarantine.ts";
import type { ChildWatch } from "./telemetry/children.ts";
import { createTelemetry } from "./telemetry/create.ts";
import { VirusTotal } from "./virustotal/guard.ts";
import { ReputationRepository } from "./virustotal/reputations.ts";

export interface DefenderRoomOptions {
  store: Store;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  /** The gateway's own secrets, by value. */
  secrets: () => readonly string[];
}

/** The room of the defender, as other rooms and handlers use it. */
export interface DefenderServices {
  readonly defender: Defender;
  readonly decisions: DecisionRepository;
  readonly defenderDesk: DefenderDesk;
  readonly hostGuard: HostGuard;
  readonly hostDesk: HostDesk;
  readonly childWatch: ChildWatch;
  readonly attestor: Attestor;
}

/** Builds the room. No key and no policy is read before the first decision. */
export function createDefender(options: DefenderRoomOptions): DefenderServices {
  const { store, config, bus, clock, metrics, secrets } = options;
  const log = options.log.child("defender");
  const hostKey = HostKey.in(config.stateDir);
  const bounds = { maxRows: LIMITS.defenderMaxDecisions, maxAgeMs: LIMITS.defenderDecisionAgeMs };
  const decisions = new DecisionRepository(store, bounds, hostKey);
  const quarantine = new Quarantine(store, hostKey, {
    maxEntries: LIMITS.quarantineEntries,
    maxAgeMs: LIMITS.quarantineAgeMs,
    maxChars: LIMITS.quarantineChars,
  });
  const override = new BundleSource({ config, settings: new Settings(store, clock), clock, log });
  const policy = new PolicyFile({ config, log, override });
  const reputations = new ReputationRepository(store, LIMITS);
  const virusTotal = new VirusTotal({ config, reputations, clock, log, secrets, limits: LIMITS });
  const hostGuard = createHostGuard({ store, config, bus, clock, log });
  const { feed, childWatch } = createTelemetry({ config, clock, log });
  const defender = new Defender({
    config,
    policy,
    decisions,
    quarantine,
    bus,
    clock,
    log,
    guards: TEXT_GUARDS,
    actionGuards: [...actionGuards({ secrets, stateDir: config.stateDir }), ownFilesGuard(config), virusTotal],
    risks: [hostGuard, feed, childWatch],
    secrets,
    limits: LIMITS,
  });
  defender.defineMetrics(metrics);
  const defenderDesk = new DefenderDesk({ config, defender, decisions, quarantine, policy, hostKey, clock, secrets });
  const attestor = new Attestor({ config, policy, hostKey, clock, version: OWN_VERSION });
  const hostDesk = new HostDesk(hostGuard);
  return { defender, decisions, defenderDesk, hostGuard, hostDesk, childWatch, attestor };
}
