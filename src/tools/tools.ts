import { TOOL_ENTRIES, TOOL_GROUPS } from "../../generated/tools.ts";
import type {
  ToolsCatalogParams,
  ToolsCatalogResult,
  ToolsEffectiveParams,
  ToolsEffectiveResult,
  ToolsGitHubStatusParams,
  ToolsGitHubStatusResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { AgentSettings } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { SessionsPort } from "../sessions/types.ts";
import { NoToolsLeft, type ToolHost } from "./host.ts";
import type { McpServers } from "./mcp/servers.ts";
import { serverOf } from "./mcp/tools.ts";
import { profileOf } from "./policy.ts";
import { entryOf, type ToolRegistry } from "./registry.ts";
import { subjectOf } from "./subject.ts";
import type { Tool } from "./types.ts";

/** Named choices of tools, the smallest first. */
const PROFILES: ToolsCatalogResult["profiles"] = [
  { id: "minimal", label: "Minimal" },
  { id: "coding", label: "Coding" },
  { id: "messaging", label: "Messaging" },
  { id: "full", label: "Full" },
];

interface ToolsDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Pick<SessionsPort, "find" | "canonicalKey">;
  registry: ToolRegistry;
  host: ToolHost;
  mcp: Pick<McpServers, "waiting">;
}

/** What people are told of the tools of agents. */
export class Tools {
  constructor(private readonly deps: ToolsDeps) {}

  /**
   * The tools that there are, whoever may use them. What is only planned is not among them.
   * @throws GatewayError `unknown agent id "x"`
   */
  catalogue({ agentId }: ToolsCatalogParams): ToolsCatalogResult {
    const there = new Set(this.deps.registry.all().map(({ name }) => name));
    const groups = TOOL_GROUPS.map(({ id, label }): ToolsCatalogResult["groups"][number] => ({
      id,
      label,
      source: "core",
      tools: TOOL_ENTRIES.filter(({ group, name }) => group === id && there.has(name)).map(
        ({ name, summary, profiles }) => ({
          id: name,
          label: name,
          description: summary,
          source: "core",
          defaultProfiles: profiles as ProfileId[],
        }),
      ),
    }));
    const shown = groups.filter(({ tools }) => tools.length > 0);
    return { agentId: this.agent(agentId).id, profiles: PROFILES, groups: shown };
  }

  /**
   * What a session's agent may call when this caller asks it to.
   * @throws GatewayError for an unknown agent or session
   */
  async effective(
    { agentId, sessionKey }: ToolsEffectiveParams,
    { isOwner }: { isOwner: boolean },
  ): Promise<ToolsEffectiveResult> {
    const { sessions, agents, config, host, mcp } = this.deps;
    const named = agentId === undefined || agentId.trim() === "" ? undefined : this.agent(agentId);
    const session = await sessions.find(sessions.canonicalKey(sessionKey, named?.id));
    if (!session) throw invalidRequest(`unknown session key "${sessionKey}"`);
    const agent = named ?? this.agent(session.agentId);
    const model = session.modelOverride ?? undefined;
    const { provider, id } = modelOf(model) ?? agents.model(agent.id) ?? {};
    const who = { isOwner, provider, model: id };
    const subject = subjectOf({ config: config.current, roster: agents.roster }, session, who);
    const offered = await host.offered(subject, "connected").catch((error: unknown) => {
      if (error instanceof NoToolsLeft) return [];
      throw error;
    });
    const [own, servers] = [entries(offered.filter((tool) => !serverOf(tool))), serverEntries(offered)];
    const groups: ToolsEffectiveResult["groups"] = [
      { id: "core" as const, label: "Built-in tools", source: "core" as const, tools: own },
      { id: "mcp" as const, label: "MCP server tools", source: "mcp" as const, tools: servers },
    ].filter(({ tools }) => tools.length > 0);
    const waiting = mcp.waiting(subject);
    return {
      agentId: agent.id,
      profile: profileOf(config.current, agent.id),
      groups,
      ...(waiting.length > 0 ? { notices: [notConnected(waiting)] } : {}),
    };
  }

  /**
   * Whose name an agent's work on GitHub would carry: nobody's, as no identity can be set up yet.
   * @throws GatewayError `unknown agent id "x"`
   */
  github({ agentId, selectedScope }: ToolsGitHubStatusParams): ToolsGitHubStatusResult {
    const effective: ToolsGitHubStatusResult["effective"] = {
      source: "system-detected",
      credentialKind: "native",
      credentialState: "unavailable",
      account: null,
      gitAuthor: { name: null, email: null },
      evidence: "none",
      accessExpiresAtMs: null,
      refreshState: "not_applicable",
      oauthScopes: [],
      repositoryGrants: "unknown",
    };
    const identity = selectedScope === "system" ? effective : null;
    return {
      agentId: this.agent(agentId).id,
      selectedScope,
      selected: { scope: selectedScope, configured: false, identity },
      effective,
    };
  }

  private agent(id: string | undefined): AgentSettings {
    return this.deps.agents.asked(id);
  }
}

type ProfileId = NonNullable<ToolsCatalogResult["groups"][number]["tools"][number]["defaultProfiles"]>[number];

/** Tools as a list of effective ones shows them, by label; two of one label bear their names as well. */
function entries(tools: readonly Tool[]): ToolsEffectiveResult["groups"][number]["tools"] {
  const titleOf = ({ name }: Tool): string => entryOf(name)?.title ?? name;
  const isShared = (title: string): boolean => tools.filter((tool) => titleOf(tool) === title).length > 1;
  return tools
    .map((tool) => {
      const title = titleOf(tool);
      return {
        id: tool.name,
        label: isShared(title) ? `${title} (${tool.name})` : title,
        description: entryOf(tool.name)?.summary ?? tool.description,
        rawDescription: tool.description,
        source: "core" as const,
      };
    })
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** Tools of MCP servers, by label. */
function serverEntries(tools: readonly Tool[]): ToolsEffectiveResult["groups"][number]["tools"] {
  return tools
    .flatMap((tool) => {
      const server = serverOf(tool);
      if (!server) return [];
      const { name: id, description } = tool;
      return {
        id,
        label: server.title,
        description: description.split("\n", 1)[0]!.slice(0, 200),
        rawDescription: description,
        source: "mcp" as const,
        pluginId: "bundle-mcp",
        mcpServer: server.name,
        mcpToolName: server.tool,
      };
    })
    .sort((a, b) => a.label.localeCompare(b.label));
}

const notConnected = (servers: string[]): NonNullable<ToolsEffectiveResult["notices"]>[number] => ({
  id: "mcp-not-yet-connected",
  severity: "info",
  message: `MCP servers that no run of this session has connected yet: ${servers.join(", ")}. Their tools appear after the next run.`,
  servers,
});

/** `provider/id` in its parts. */
function modelOf(ref: string | undefined): { provider: string; id: string } | undefined {
  const slash = ref?.indexOf("/") ?? -1;
  return ref === undefined || slash < 0 ? undefined : { provider: ref.slice(0, slash), id: ref.slice(slash + 1) };
}
