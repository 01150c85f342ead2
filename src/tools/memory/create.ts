import type { AgentCatalogue } from "../../agents/catalogue.ts";
import type { AgentSettings } from "../../agents/roster.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Memory } from "../../memory/memory.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { Sandboxes } from "../sandbox/sandboxes.ts";
import { SessionAccess } from "../sessions/access.ts";
import { type Tool, ToolError, type ToolSubject } from "../types.ts";
import { memoryGetTool } from "./get.ts";
import { memorySearchTool } from "./search.ts";

export interface MemoryToolsDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Sessions;
  memory: Memory;
  sandboxes: Pick<Sandboxes, "seesWorkspace">;
}

/** The tools by which an agent finds and reads what it wrote down to remember. */
export function memoryTools(deps: MemoryToolsDeps): Tool[] {
  const { config, agents, sessions, memory, sandboxes } = deps;
  const agentOf = (agentId: string): AgentSettings => {
    const agent = agents.find(agentId);
    if (!agent) throw new ToolError(`There is no agent ${agentId}.`);
    return agent;
  };
  // Memory lies in the workspace: who does not see that, does not see this.
  const isAvailable = (subject: ToolSubject): boolean => {
    const agent = agents.find(subject.agentId);
    return agent !== undefined && memory.settings(agent).enabled && sandboxes.seesWorkspace(subject);
  };
  const access = new SessionAccess({ config, sessions });
  return [memorySearchTool({ memory, agentOf, access, sessions }), memoryGetTool({ memory, agentOf, config })].map(
    (tool) => ({ ...tool, isAvailable }),
  );
}
