import type { ConfigHandlers } from "../../generated/handlers.ts";
import { configSchema, lookUpSchema } from "../config/schema.ts";
import type { CallContext, Caller } from "../gateway/context.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";

export const config: ConfigHandlers<CallContext> = {
  "config.get": (_params, { config }) => config.snapshot(),
  "config.schema": (_params, { clock }) => configSchema(COMPATIBLE_VERSION, clock.now()),
  "config.schema.lookup": ({ path }) => lookUpSchema(path),
  "config.set": (params, { configWriter }) => configWriter.set(params),
  "config.patch": (params, { configWriter, caller }) => configWriter.patch(params, writerOf(caller)),
  "config.apply": (params, { configWriter, caller }) => configWriter.apply(params, writerOf(caller)),
  "config.openFile": (_params, { configWriter }) => configWriter.openFile(),
};

/** Whose budget of writes it is: the device's, or that of all programs of one kind without a device. */
const writerOf = ({ deviceId, client }: Caller): string => deviceId ?? `client ${client.id}`;
