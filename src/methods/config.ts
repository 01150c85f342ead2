import type { ConfigHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const config: ConfigHandlers<CallContext> = {
  "config.get": (_params, { config }) => config.snapshot(),
};
