import type { StatusDeps } from "../../agents/commands/status.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { Tool } from "../types.ts";
import { SessionAccess } from "./access.ts";
import { agentsListTool } from "./agents.ts";
import { sessionsHistoryTool } from "./history.ts";
import { sessionsListTool } from "./list.ts";
import { sessionsSearchTool } from "./search.ts";
import { type SendDeps, sessionsSendTool } from "./send.ts";
import { sessionsTool } from "./settings.ts";
import { sessionStatusTool } from "./status.ts";

export type SessionToolsDeps = Omit<SendDeps, "access"> & StatusDeps & { sessions: Sessions };

/** The tools by which an agent knows of sessions, reads them, and speaks to the agents in them. */
export function sessionTools(deps: SessionToolsDeps): Tool[] {
  const { sessions, config, agents } = deps;
  const access = new SessionAccess({ config, sessions });
  return [
    sessionsListTool(sessions, access),
    sessionsHistoryTool(sessions, access),
    sessionsSearchTool(sessions, access),
    sessionsSendTool({ ...deps, access }),
    sessionStatusTool(deps, access),
    sessionsTool({ sessions, access }),
    agentsListTool(config, agents),
  ];
}
