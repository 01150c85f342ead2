import type { HostHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const host: HostHandlers<CallContext> = {
  "system.info": (_params, { host, caller }) => host.info(caller),
  // No engine that uses a computer is part of this gateway.
  "computer.status": () => ({ configured: false, available: false }),
  "environments.list": async (params, { host }) => ({ environments: await host.environmentList(params) }),
  "environments.status": ({ environmentId }, { host }) => host.environment(environmentId),
  "update.status": (_params, { host }) => host.updates(),
  "update.run": (_params, { host }) => host.update(),
  "update.hold": (_params, { host }) => host.holdUpdates(),
  "update.runs.list": () => ({ runs: [] }),
  "update.runs.get": () => ({ run: null }),
  "fs.listDir": (params, { directories, caller }) => directories.list(params, caller),
  "diagnostics.stability": (params, { stability }) => stability.report((params ?? {}) as Record<string, unknown>),
  "diagnostics.lanes": (_params, { host }) => host.lanes(),
};
