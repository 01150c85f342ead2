import type { SystemHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { hasScope } from "../platform/scopes.ts";

export const system: SystemHandlers<CallContext> = {
  health: (params, { health }) => health.answer(params),
  status: (_params, { status, caller }) => status.report(hasScope(caller, "operator.admin")),
  "system-presence": (_params, { presence }) => presence.list(),
  "system-event": (params, { presence }) => {
    presence.report(params);
    return { ok: true };
  },
  "last-heartbeat": (_params, { heartbeats }) => heartbeats.last(),
  "set-heartbeats": (params, { heartbeats }) => heartbeats.setEnabled(params.enabled),
  "gateway.identity.get": (_params, { identity }) => identity.get(),
};
