import type {
  ToolsCatalogParams,
  ToolsCatalogResult,
  ToolsEffectiveParams,
  ToolsEffectiveResult,
  ToolsGitHubStatusParams,
  ToolsGitHubStatusResult,
  ToolsInvokeParams,
  ToolsInvokeResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { AgentSettings } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { SessionsPort } from "../sessions/types.ts";

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
}

/** The tools that agents can call. There are none yet: agents answer in words alone, and the lists say so. */
export class Tools {
  constructor(private readonly deps: ToolsDeps) {}

  /** @throws GatewayError `unknown agent id "x"` */
  catalogue({ agentId }: ToolsCatalogParams): ToolsCatalogResult {
    return { agentId: this.agent(agentId).id, profiles: PROFILES, groups: [] };
  }

  /**
   * What a session's agent may call.
   * @throws GatewayError for an unknown agent or session
   */
  async effective({ agentId, sessionKey }: ToolsEffectiveParams): Promise<ToolsEffectiveResult> {
    const { sessions } = this.deps;
    const named = agentId === undefined ? undefined : this.agent(agentId);
    const session = await sessions.find(sessions.canonicalKey(sessionKey, named?.id));
    if (!session) throw invalidRequest(`unknown session key "${sessionKey}"`);
    const agent = named ?? this.agent(session.agentId);
    return { agentId: agent.id, profile: this.profile(agent), groups: [] };
  }

  /**
   * Whose name an agent's work on GitHub would carry: nobody's, as no identity can be set up yet.
   * @throws GatewayError `unknown agent id "x"`
   */
  github({ agentId, selectedScope }: ToolsGitHubStatusParams): ToolsGitHubStatusResult {
    return {
      agentId: this.agent(agentId).id,
      selectedScope,
      selected: { scope: selectedScope, configured: false, identity: null },
      effective: {
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
      },
    };
  }

  /** The outcome of a call from outside a run. What is no tool, and for whom, is part of the answer. */
  invoke({ name, agentId }: ToolsInvokeParams): ToolsInvokeResult {
    const isUnknown = agentId !== undefined && !this.deps.agents.find(agentId);
    const error = isUnknown
      ? { code: "validation_error", message: `Unknown agent id "${agentId}"` }
      : { code: "not_found", message: `Tool not available: ${name}` };
    return { ok: false, toolName: name, error };
  }

  private agent(id: string | undefined): AgentSettings {
    const { agents } = this.deps;
    const found = agents.find(id ?? agents.roster.defaultId);
    if (!found) throw invalidRequest(`unknown agent id "${id}"`);
    return found;
  }

  private profile({ raw }: AgentSettings): string {
    return text(dict(raw.tools).profile) ?? text(dict(this.deps.config.current.tools).profile) ?? "full";
  }
}
