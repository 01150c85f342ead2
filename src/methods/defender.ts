import type { DefenderHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const defender: DefenderHandlers<CallContext> = {
  "defender.status": (_params, { defenderDesk }) => defenderDesk.status(),
  "defender.check": (params, { defenderDesk }) => defenderDesk.check(params),
  "defender.decisions.list": (params, { defenderDesk }) => defenderDesk.decisions(params),
  "defender.decisions.get": async ({ id }, { defenderDesk }) => ({ decision: await defenderDesk.decision(id) }),
  "defender.decisions.verify": (_params, { defenderDesk }) => defenderDesk.verify(),
  "defender.quarantine.list": (params, { defenderDesk }) => defenderDesk.quarantined(params),
  "defender.quarantine.get": ({ id }, { defenderDesk }) => defenderDesk.opened(id),
  "defender.quarantine.release": async ({ id }, { defenderDesk, caller }) => ({
    entry: await defenderDesk.release(id, caller.deviceId ?? caller.client.id),
  }),
  "defender.quarantine.purge": async (params, { defenderDesk }) => ({ purged: await defenderDesk.purge(params) }),
  "defender.host.status": (_params, { hostDesk }) => hostDesk.status(),
  "defender.host.check": (_params, { hostDesk }) => hostDesk.check(),
  "defender.host.accept": (params, { hostDesk, caller }) =>
    hostDesk.accept(params, caller.deviceId ?? caller.client.id),
  "defender.attest": ({ nonce }, { attestor }) => attestor.report(nonce),
  "defender.policy.get": (_params, { defenderDesk }) => defenderDesk.policy(),
  "defender.policy.set": (params, { defenderDesk }) => defenderDesk.setPolicy(params),
  "defender.policy.test": (params, { defenderDesk }) => defenderDesk.testPolicy(params),
};
