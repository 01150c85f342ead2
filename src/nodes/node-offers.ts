import type { NodePluginToolDescriptor, NodeSkillDescriptor } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { commandConfig, effectiveCommands } from "./command-policy.ts";
import { currentSession, type NodeCaller } from "./live-node.ts";
import type { NodeRepository } from "./node-repository.ts";
import type { NodeSessions } from "./node-sessions.ts";

/** What a connected node offers beyond its commands. It lasts as long as the connection. */
export class NodeOffers {
  constructor(
    private readonly deps: { repository: NodeRepository; sessions: NodeSessions; config: ConfigPort; bus: EventBus },
  ) {}

  /** Replaces the skills of the node; none are taken with `gateway.nodes.allowSkills: false`. */
  updateSkills(skills: readonly NodeSkillDescriptor[], caller: NodeCaller) {
    const session = currentSession(this.deps.sessions, caller);
    const isAllowed = this.deps.config.current.gateway.nodes?.allowSkills !== false;
    session.skills = isAllowed ? skills : [];
    return { nodeId: session.nodeId, skills: [...session.skills] };
  }

  /** Replaces the tools of the node's plugins, of which only those count whose command the node may be asked for. */
  updateTools(tools: readonly NodePluginToolDescriptor[], caller: NodeCaller) {
    const session = currentSession(this.deps.sessions, caller);
    const { config } = this.deps;
    const isAllowed = config.current.gateway.nodes?.pluginTools?.enabled !== false;
    const commands = effectiveCommands(session, session.surface, commandConfig(config.current));
    const isUsable = ({ command }: NodePluginToolDescriptor) => command !== undefined && commands.includes(command);
    session.pluginTools = isAllowed ? tools.filter(isUsable) : [];
    return { nodeId: session.nodeId, tools: [...session.pluginTools] };
  }

  /**
   * Takes what a node host says of the runners on it. This gateway places none there, so only one that offers none, or
   * none any more, is taken. @throws GatewayError `invalid node runner inventory`, or that an approval is awaited
   */
  async updateInventory(inventory: unknown, caller: NodeCaller): Promise<{ nodeId: string }> {
    const { sessions, repository, bus } = this.deps;
    const { nodeId, surface } = currentSession(sessions, caller);
    if (!isEmptyInventory(inventory)) throw invalidRequest("invalid node runner inventory");
    if (surface === null) {
      const { request } = await repository.read(nodeId);
      const how =
        request === null
          ? ""
          : `; run \`openclaw nodes approve ${request.requestId}\` (see \`openclaw nodes pending\`), then this node retries automatically`;
      throw new GatewayError("UNAVAILABLE", `node capability surface is awaiting operator approval${how}`);
    }
    bus.publish("node.runnerInventory.changed", { nodeId });
    return { nodeId };
  }
}

function isEmptyInventory(inventory: unknown): boolean {
  if (typeof inventory !== "object" || inventory === null) return false;
  const { protocolFeatures, workerHost, ...others } = inventory as Record<string, unknown>;
  const isList = Array.isArray(protocolFeatures) && protocolFeatures.every((feature) => typeof feature === "string");
  if (!isList || Object.keys(others).length > 0) return false;
  return workerHost === undefined || (workerHost as { enabled?: unknown } | null)?.enabled === false;
}
