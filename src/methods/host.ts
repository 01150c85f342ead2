import type { HostHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const host: HostHandlers<CallContext> = {
  "system.info": (_params, { host, caller }) => host.info(caller),
  "environments.list": async (_params, { host }) => ({ environments: await host.environments() }),
  "environments.status": ({ environmentId }, { host }) => host.environment(environmentId),
  "worktrees.list": (_params, { host }) => host.worktrees(),
  "update.status": (_params, { host }) => host.updates(),
  "users.self": (_params, { host }) => host.self(),
  "doctor.memory.status": (params, { host }) => host.memory(params),
  "doctor.memory.dreamDiary": (params, { host }) => host.dreamDiary(params),
  "diagnostics.lanes": (_params, { host }) => host.lanes(),
};
