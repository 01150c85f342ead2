import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import { EventBus } from "../platform/bus.ts";
import { systemClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Defender } from "./defender.ts";
import { ACTION_GUARDS, TEXT_GUARDS } from "./guards.ts";

/**
 * The same judgement as the gateway's, without a gateway: it keeps no records and says what it finds even where the
 * configuration only watches or has switched the defender off. The thresholds are those of the configuration.
 */
export function localDefender(current: GatewayConfig): Defender {
  const defender = { ...current.security.defender, enabled: true, auditOnly: false };
  const config = { current: { ...current, security: { ...current.security, defender } } } as ConfigPort;
  return new Defender({
    config,
    decisions: { add: async () => {} },
    bus: new EventBus(),
    clock: systemClock,
    log: silentLogger,
    guards: TEXT_GUARDS,
    actionGuards: ACTION_GUARDS,
    secrets: () => [],
    limits: LIMITS,
  });
}
