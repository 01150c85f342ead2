import type { SystemHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { dict } from "../models/settings.ts";
import { hasScope } from "../platform/scopes.ts";

export const system: SystemHandlers<CallContext> = {
  // Upstream looks at `probe` alone, of whatever it is given.
  health: (params, { health }) => health.answer(dict(params)),
  status: (_params, { status, caller }) => status.report(hasScope(caller, "operator.admin")),
  "system-presence": (_params, { presence }) => presence.list(),
  "system-event": (params, { presence, sessions }) => {
    if (params.sessionKey !== undefined) sessions.lookupKey(params.sessionKey);
    presence.report(params);
    return { ok: true };
  },
  "last-heartbeat": (_params, { heartbeats }) => heartbeats.last(),
  "set-heartbeats": (params, { heartbeats }) => heartbeats.setEnabled(params.enabled),
  "gateway.identity.get": (_params, { identity }) => identity.get(),
};
