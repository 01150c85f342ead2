import type { CronHandlers } from "../../generated/handlers.ts";
import { fillIn, fillInPatch } from "../cron/normalise.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { hasScope } from "../platform/scopes.ts";
import { senderOf } from "./sender.ts";

export const cron: CronHandlers<CallContext> = {
  "cron.add": (params, { cron }) => cron.add(params),
  "cron.update": (params, { cron }) => cron.update(params),
  "cron.remove": (params, { cron }) => cron.remove(params),
  "cron.get": (params, { cron }) => cron.get(params),
  "cron.list": (params, { cron }) => cron.list(params),
  "cron.status": (_params, { cron, caller }) => cron.status(hasScope(caller, "operator.admin")),
  "cron.run": (params, { cron }) => cron.run(params),
  "cron.runs": (params, { cron }) => cron.runs(params),
  wake: (params, { cron, caller }) => cron.wake(params, senderOf(caller)),
  "cron.scratch.get": (params, { cron }) => cron.scratch(params),
  "cron.scratch.set": (params, { cron }) => cron.setScratch(params),
};

/** Upstream brings what callers say into form before it looks at the schema. */
export const cronGuards: Readonly<Record<string, Guard>> = { "cron.add": fillIn, "cron.update": fillInPatch };
