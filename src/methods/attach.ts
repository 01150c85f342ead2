import type { AttachHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const attach: AttachHandlers<CallContext> = {
  "attach.grant": (params, { attachGrants, caller }) =>
    attachGrants.grant((params ?? {}) as Record<string, unknown>, caller.client.id),
  "attach.revoke": (params, { attachGrants }) => attachGrants.revoke(params),
};
