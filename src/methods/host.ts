import type { HostHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const host: HostHandlers<CallContext> = {
  "system.info": (_params, { host, caller }) => host.info(caller),
  "environments.list": (_params, { host }) => ({ environments: host.environments() }),
  "environments.status": ({ environmentId }, { host }) => host.environment(environmentId),
  "diagnostics.lanes": (_params, { host }) => host.lanes(),
};
