import { CONFIG_DEFAULTS, type GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import { type BusEvent, EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import type { LogFields, Logger } from "../platform/logger.ts";
import { Store } from "../store/store.ts";
import { DecisionRepository } from "./decision-repository.ts";
import { Defender, type DefenderLimits, type DefenderOptions } from "./defender.ts";
import type { ActionGuard, Guard } from "./guard.ts";
import { HostKey } from "./records/host-key.ts";
import { Quarantine } from "./records/quarantine.ts";
import type { RiskSource } from "./risk.ts";

export interface DefenderFixture {
  defender: Defender;
  decisions: DecisionRepository;
  quarantine: Quarantine;
  store: Store;
  events: BusEvent[];
  /** Messages of the log, as `level: message`. */
  logged: string[];
}

/** A defender over a database in memory. `policy` is laid over the defaults of `security.defender`. */
export function defenderFixture(
  options: {
    guards?: readonly Guard[];
    actionGuards?: readonly ActionGuard[];
    risks?: readonly RiskSource[];
    policy?: Partial<GatewayConfig["security"]["defender"]>;
    /** The document in force. */
    document?: DefenderOptions["policy"];
    secrets?: readonly string[];
    limits?: Partial<DefenderLimits>;
    maxRows?: number;
    now?: () => number;
  } = {},
): DefenderFixture {
  const store = Store.open(":memory:");
  const events: BusEvent[] = [];
  const bus = new EventBus();
  bus.subscribe((event) => events.push(event));
  const decisions = new DecisionRepository(store, { maxRows: options.maxRows ?? LIMITS.defenderMaxDecisions });
  const quarantine = new Quarantine(store, HostKey.fresh(), { maxEntries: 10, maxAgeMs: 1e9, maxChars: 1000 });
  const defender = { ...CONFIG_DEFAULTS.security.defender, ...options.policy };
  const logged: string[] = [];
  const secrets = options.secrets ?? [];
  return {
    defender: new Defender({
      config: { current: { ...CONFIG_DEFAULTS, security: { defender } } as unknown as GatewayConfig } as ConfigPort,
      policy: options.document,
      decisions,
      quarantine,
      bus,
      clock: new ManualClock(),
      log: collector(logged),
      guards: options.guards ?? [],
      actionGuards: options.actionGuards,
      risks: options.risks,
      secrets: () => secrets,
      limits: { ...LIMITS, ...options.limits },
      now: options.now,
    }),
    decisions,
    quarantine,
    store,
    events,
    logged,
  };
}

function collector(logged: string[]): Logger {
  const at = (level: string) => (message: string, _fields?: LogFields) => {
    logged.push(`${level}: ${message}`);
  };
  const log: Logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}
