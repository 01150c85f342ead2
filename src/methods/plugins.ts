import type { PluginsHandlers } from "../../generated/handlers.ts";
import { METHODS } from "../../generated/methods.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import { searchCredentials } from "../tools/web/search/status.ts";

const ADVERTISED = Object.values(METHODS).flatMap(({ name, advertised }) => (advertised ? name : []));

export const plugins: PluginsHandlers<CallContext> = {
  "plugins.list": (_params, { plugins }) => plugins.list(),
  "plugins.inspect": ({ pluginId }, { plugins }) => plugins.inspect(pluginId),
  "plugins.setEnabled": (params, { plugins }) => plugins.setEnabled(params),
  "plugins.install": (params, { plugins }) => plugins.install(params),
  "plugins.uninstall": ({ pluginId }, { plugins }) => plugins.uninstall(pluginId),
  "plugins.search": (_params, { plugins }) => plugins.search(),
  "plugins.refresh": (_params, { plugins }) => plugins.refresh(),
  "plugins.reload": (params, { plugins }) => plugins.reload(params),
  "plugins.uiDescriptors": (_params, { plugins }) => plugins.uiDescriptors(ADVERTISED),
  "plugins.controlUi.list": (_params, { plugins }) => plugins.pages(),
  "plugins.controlUi.reload": (_params, { plugins }) => plugins.pages(),
  // No part has a page, so that no client has started one.
  "plugins.controlUi.status": () => ({ clients: [] }),
  "plugins.controlUi.report": (params, { plugins, caller }) => plugins.report(params, caller.client.id),
  "plugins.catalog.browse": (params, { pluginDiscoveries }) => pluginDiscoveries.browse(params),
  "plugins.catalog.get": ({ id }, { pluginDiscoveries }) => pluginDiscoveries.get(id),
  "plugins.catalog.categories": (_params, { plugins }) => plugins.categories(),
  "plugins.credentials.inspect": (params, { plugins, config }) =>
    plugins.credential(params, searchCredentials(params.pluginId), () => config.snapshot().parsed),
  "plugins.skills.read": (params, { pluginDiscoveries }) => pluginDiscoveries.skill(params),
  "plugins.sessionAction": ({ pluginId, actionId, agentId, sessionKey }, { agents, sessions, caller }) => {
    // Upstream reads the agent for the session that it belongs to only.
    if (sessionKey !== undefined) {
      if (agentId !== undefined && !agents.find(agentId)) throw invalidRequest(`Unknown agent id "${agentId}"`);
      sessions.lookupKey(sessionKey, agentId);
    }
    if (!hasScope(caller, "operator.write")) throw missingScope("operator.write");
    throw new GatewayError("UNAVAILABLE", `unknown plugin session action: ${pluginId}/${actionId}`);
  },
  // A session keeps values of plugins alone, and there are none.
  "sessions.pluginPatch": ({ pluginId, namespace, value, unset }) => {
    if (value === undefined && unset !== true) {
      throw invalidRequest("plugin session extension value is required unless unset is true");
    }
    throw invalidRequest(`unknown plugin session extension: ${pluginId}/${namespace}`);
  },
};

/** Readers hear what is wrong with their parameters; what an action needs is known only with its name. */
const mayAct: Guard = (_params, caller) => {
  if (!hasScope(caller, "operator.read")) throw missingScope("operator.write");
};

export const pluginGuards: Readonly<Record<string, Guard>> = { "plugins.sessionAction": mayAct };
