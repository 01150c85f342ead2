import type { Handlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { system } from "./system.ts";

/** The handler of every implemented method. One that the spec has and this lacks does not compile. */
export const handlers: Handlers<CallContext> = {
  ...system,
};

/** Checks of single methods that upstream makes before it looks at the schema. */
export const guards: Readonly<Record<string, Guard>> = {};
