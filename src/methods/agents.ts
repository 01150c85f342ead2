import type { AgentsHandlers } from "../../generated/handlers.ts";
import { listCommands } from "../agents/commands/list.ts";
import type { CallContext } from "../gateway/context.ts";

export const agents: AgentsHandlers<CallContext> = {
  "agents.list": (_params, { agentManager }) => agentManager.describe(),
  "agents.create": (params, { agentManager }) => agentManager.create(params),
  "agents.update": (params, { agentManager }) => agentManager.update(params),
  "agents.delete": (params, { agentManager }) => agentManager.delete(params),
  "commands.list": (params, { commands, agents, sessions }) => listCommands(commands, agents, sessions, params),
  "agents.files.list": (params, { agentFiles }) => agentFiles.list(params),
  "agents.files.get": (params, { agentFiles }) => agentFiles.get(params),
  "agents.files.set": (params, { agentFiles }) => agentFiles.set(params),
  "agents.workspace.list": (params, { workspaces }) => workspaces.list(params),
  "agents.workspace.get": (params, { workspaces }) => workspaces.get(params),
  "agent.identity.get": (params, { agents }) => agents.identity(params),
};
