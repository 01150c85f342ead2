import type { UsersHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

/** Callers are devices and programs here; nobody has a profile that preferences could belong to. */
export const users: UsersHandlers<CallContext> = {
  "users.prefs.get": () => ({ status: "no_durable_identity" }),
};
