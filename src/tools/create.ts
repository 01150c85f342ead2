import { LIMITS } from "../../generated/limits.ts";
import type { Subagents } from "../agents/subagents/subagents.ts";
import type { ExecPolicy } from "../approvals/exec-policy.ts";
import type { ApprovalsPort } from "../approvals/types.ts";
import type { Config } from "../config/config.ts";
import type { Cron } from "../cron/cron.ts";
import type { Memory } from "../memory/memory.ts";
import type { Logger } from "../platform/logger.ts";
import type { HeartbeatResponses } from "../system/heartbeat-responses.ts";
import { Completions, type CompletionsDeps } from "./exec/completion.ts";
import { execTools } from "./exec/create.ts";
import { Gatekeeper } from "./exec/gatekeeper.ts";
import { NodeExec, type NodeExecDeps } from "./exec/node-exec.ts";
import type { Processes } from "./exec/processes.ts";
import { fileTools } from "./files/create.ts";
import { automationsTool } from "./gateway/automations.ts";
import { gatewayTool } from "./gateway/gateway.ts";
import { heartbeatTool } from "./gateway/heartbeat.ts";
import { goalTools } from "./goals/create.ts";
import { type MediaToolsDeps, mediaTools } from "./media/create.ts";
import { memoryTools } from "./memory/create.ts";
import { type MessageToolsDeps, messageTools } from "./messages/create.ts";
import { type NodesToolDeps, nodesTool } from "./nodes/create.ts";
import type { ToolRegistry } from "./registry.ts";
import type { Sandboxes } from "./sandbox/sandboxes.ts";
import { type SessionToolsDeps, sessionTools } from "./sessions/create.ts";
import { subagentTools } from "./subagents/create.ts";
import { webTools } from "./web/create.ts";
import type { WebSearch } from "./web/search/search.ts";
import { type WorkbenchToolsDeps, workbenchTools } from "./workbench/create.ts";

/** What the rooms of tools are made of. A room takes what it needs of it. */
export interface ToolRooms
  extends SessionToolsDeps,
    WorkbenchToolsDeps,
    Pick<MediaToolsDeps, "speaker" | "budgets">,
    Pick<MessageToolsDeps, "outbound" | "conversations"> {
  config: Config;
  cron: Cron;
  subagents: Subagents;
  memory: Memory;
  heartbeatResponses: HeartbeatResponses;
  log: Logger;
  approvals: ApprovalsPort;
  /** Which commands this machine runs without asking. */
  execPolicy: ExecPolicy;
  sandboxes: Sandboxes;
  nodes: NodeExecDeps["nodes"];
  /** Paired devices, for the tool that knows all they can be asked for. */
  pairedNodes: Pick<NodesToolDeps, "nodes" | "nodePairing" | "nodeInvokes">;
  webSearch: WebSearch;
  /** The commands that agents have started. */
  processes: Processes;
  /** How a session hears of something that has happened since its last turn. */
  notes: CompletionsDeps["notes"];
  wake: CompletionsDeps["wake"];
}

/** Puts the tools of every room into the registry. */
export function registerTools(registry: ToolRegistry, rooms: ToolRooms): void {
  const { config, defender, execPolicy, approvals, sandboxes } = rooms;
  registry.add(
    ...fileTools({ ...rooms, limits: LIMITS }),
    ...execTools({
      ...rooms,
      sandboxes,
      nodeExec: new NodeExec({ ...rooms, limits: LIMITS }),
      gatekeeper: new Gatekeeper({ defender, policy: execPolicy, approvals, limits: LIMITS }),
      completions: new Completions(rooms),
      env: () => config.env ?? process.env,
      limits: LIMITS,
    }),
    ...sessionTools(rooms),
    ...subagentTools({ ...rooms, registry }),
    ...webTools({ ...rooms, limits: LIMITS }, rooms.webSearch),
    ...memoryTools(rooms),
    ...goalTools(rooms.sessions),
    ...workbenchTools(rooms),
    ...messageTools(rooms),
    ...mediaTools(rooms),
    nodesTool({ ...rooms, ...rooms.pairedNodes }),
    gatewayTool(rooms.config),
    automationsTool(rooms),
    heartbeatTool(rooms.heartbeatResponses),
  );
}
