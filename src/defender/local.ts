import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import { EventBus } from "../platform/bus.ts";
import { systemClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Defender } from "./defender.ts";
import { actionGuards, TEXT_GUARDS } from "./guards.ts";
import { PolicyFile, type PolicyInForce } from "./policy/policy-file.ts";

/**
 * The same judgement as the gateway's, without a gateway: it keeps no records and says what it finds even where the
 * configuration or the policy only watches or has switched the defender off. Thresholds and rules are those in force.
 */
export function localDefender(given: Pick<ConfigPort, "current" | "stateDir">): Defender {
  const { current, stateDir } = given;
  const defender = { ...current.security.defender, enabled: true, auditOnly: false };
  const config = { stateDir, current: { ...current, security: { ...current.security, defender } } as GatewayConfig };
  const file = new PolicyFile({ config, log: silentLogger });
  return new Defender({
    config,
    policy: { current: async () => enforcing(await file.current()), last: file.last },
    decisions: { add: async () => {}, pass: async () => {} },
    bus: new EventBus(),
    clock: systemClock,
    log: silentLogger,
    guards: TEXT_GUARDS,
    actionGuards: actionGuards({ secrets: () => [], stateDir }),
    secrets: () => [],
    limits: LIMITS,
  });
}

const enforcing = (inForce: PolicyInForce): PolicyInForce => ({
  ...inForce,
  document: { ...inForce.document, auditOnly: false },
});
