import { CONFIG_DEFAULTS, type GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import { type BusEvent, EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import type { LogFields, Logger } from "../platform/logger.ts";
import { Store } from "../store/store.ts";
import { DecisionRepository } from "./decision-repository.ts";
import { Defender, type DefenderLimits } from "./defender.ts";
import type { ActionGuard, Guard } from "./guard.ts";

export interface DefenderFixture {
  defender: Defender;
  decisions: DecisionRepository;
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
    policy?: Partial<GatewayConfig["security"]["defender"]>;
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
  const decisions = new DecisionRepository(store, options.maxRows ?? LIMITS.defenderMaxDecisions);
  const defender = { ...CONFIG_DEFAULTS.security.defender, ...options.policy };
  const logged: string[] = [];
  const secrets = options.secrets ?? [];
  return {
    defender: new Defender({
      config: { current: { ...CONFIG_DEFAULTS, security: { defender } } as unknown as GatewayConfig } as ConfigPort,
      decisions,
      bus,
      clock: new ManualClock(),
      log: collector(logged),
      guards: options.guards ?? [],
      actionGuards: options.actionGuards,
      secrets: () => secrets,
      limits: { ...LIMITS, ...options.limits },
      now: options.now,
    }),
    decisions,
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
