import type { PluginHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { refreshSurface } from "../nodes/plugin-surface.ts";

export const plugin: PluginHandlers<CallContext> = {
  "plugin.approval.request": (params, { pluginApprovals, caller, accept, signal }) =>
    pluginApprovals.request(params, caller, { accept, signal }),
  "plugin.approval.list": (_params, { pluginApprovals, caller }) => pluginApprovals.list(caller),
  "plugin.approval.waitDecision": ({ id }, { pluginApprovals, caller, signal }) =>
    pluginApprovals.wait(id, caller, signal),
  "plugin.approval.resolve": (params, { pluginApprovals, caller }) => pluginApprovals.resolve(params, caller),
  "plugin.surface.refresh": ({ surface }) => refreshSurface(surface),
};
