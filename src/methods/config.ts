import type { ConfigHandlers } from "../../generated/handlers.ts";
import { configSchema, lookUpSchema } from "../config/schema.ts";
import type { CallContext } from "../gateway/context.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";

export const config: ConfigHandlers<CallContext> = {
  "config.get": (_params, { config }) => config.snapshot(),
  "config.schema": (_params, { clock }) => configSchema(COMPATIBLE_VERSION, clock.now()),
  "config.schema.lookup": ({ path }) => lookUpSchema(path),
  "config.set": (params, { configWriter }) => configWriter.set(params),
  "config.patch": (params, { configWriter }) => configWriter.patch(params),
  "config.apply": (params, { configWriter }) => configWriter.apply(params),
  "config.openFile": (_params, { configWriter }) => configWriter.openFile(),
};
