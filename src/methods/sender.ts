import type { Sender } from "../agents/sender.ts";
import type { Caller } from "../gateway/context.ts";
import { hasScope } from "../platform/scopes.ts";

/** The caller as turns and commands know it. */
export const senderOf = (caller: Caller): Sender => ({
  client: { id: caller.client.id, mode: caller.client.mode },
  deviceId: caller.deviceId,
  owner: caller.deviceId ?? caller.connId,
  connId: caller.connId,
  may: (scope) => hasScope(caller, scope),
});
