import { existsSync } from "node:fs";
import { join } from "node:path";
import type {
  AgentIdentityParams,
  AgentIdentityResult,
  AgentSummary,
  AgentsListResult,
} from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { ModelEntry } from "../models/catalogue.ts";
import type { Models } from "../models/models.ts";
import { refOf } from "../models/references.ts";
import type { ModelChoiceSettings } from "../models/settings.ts";
import { invalidRequest } from "../platform/errors.ts";
import { avatarUrl, identityOf } from "./identity.ts";
import { type AgentSettings, agentId, ownerRequired, type Roster, readRoster, workspaceOf } from "./roster.ts";

/** How an agent's turns are run, as clients are told: by the gateway itself, here. */
export const AGENT_RUNTIME = {
  id: "auto",
  cloudPlacementSupported: false,
  devicePlacementSupported: false,
  source: "implicit",
} as const;

/** What a session of an agent starts with; the `defaults` of `sessions.list` and parts of session rows. */
export interface SessionDefaults {
  modelProvider: string | null;
  model: string | null;
  contextTokens: number | null;
  agentRuntime: typeof AGENT_RUNTIME;
  thinkingLevels: { id: string; label: string }[];
  thinkingOptions: string[];
  thinkingDefault: string;
}

/** The agents of this gateway, as configured. */
export class AgentCatalogue {
  private readonly config: ConfigPort;
  private readonly models: Models;

  constructor({ config, models }: { config: ConfigPort; models: Models }) {
    this.config = config;
    this.models = models;
  }

  /** The roster in force. */
  get roster(): Roster {
    return readRoster(this.config.current, this.config.stateDir);
  }

  /** The agent under this id, in any spelling. */
  find(id: string): AgentSettings | undefined {
    const wanted = agentId(id);
    return this.roster.agents.find((agent) => agent.id === wanted);
  }

  /**
   * The agent that a catalogue is asked for: the one of exactly this id, the default one for none or a blank one.
   * @throws GatewayError `unknown agent id "x"`
   */
  asked(id: string | undefined): AgentSettings {
    const { agents, defaultId } = this.roster;
    const wanted = id?.trim() || defaultId;
    const found = agents.find((agent) => agent.id === wanted);
    if (!found) throw invalidRequest(`unknown agent id "${id}"`);
    return found;
  }

  /**
   * The agent whose things a call is about: the one named, in any spelling, or the only one.
   * @param what the things, for the refusal when there are several agents and none is named
   * @throws GatewayError also for an unknown agent
   */
  owner(id: string | undefined, what: string): AgentSettings {
    const { ownership, defaultId } = this.roster;
    const named = id?.trim() || undefined;
    if (named === undefined && ownership === "explicit") {
      throw ownerRequired(what, "Pass agentId to select a configured agent.");
    }
    const found = this.find(named ?? defaultId);
    if (!found) throw invalidRequest(`unknown agent id "${id}"`);
    return found;
  }

  /** The agent under this id. @throws GatewayError `agent "x" not found` */
  required(id: string): AgentSettings {
    const found = this.find(id);
    if (!found) throw invalidRequest(`agent "${id}" not found`);
    return found;
  }

  /** Primary model and fallbacks of an agent as references: its own, else those of all agents. */
  choice(id?: string): ModelChoiceSettings {
    const own = id === undefined ? undefined : this.find(id)?.model;
    return own ?? this.models.settings.defaults;
  }

  /** The model that an agent's turns use unless a session says otherwise; null when none is set up. */
  model(id?: string): ModelEntry | null {
    const { primary } = this.choice(id);
    return primary ? this.models.find(primary) : this.models.configured();
  }

  /** What sessions of an agent start with. */
  sessionDefaults(id?: string): SessionDefaults {
    const model = this.model(id);
    const thinking = this.models.thinking(model, id === undefined ? undefined : this.find(id)?.thinkingDefault);
    return {
      modelProvider: model?.provider ?? null,
      model: model?.id ?? null,
      contextTokens: model ? this.models.contextWindow(model) : null,
      agentRuntime: AGENT_RUNTIME,
      ...thinking,
    };
  }

  /** All agents, the default one first. */
  list(): { id: string; name?: string; isDefault: boolean }[] {
    const { agents, defaultId } = this.roster;
    return agents.map(({ id, name }) => ({ id, ...(name ? { name } : {}), isDefault: id === defaultId }));
  }

  /** `agents.list`. */
  async describe(): Promise<AgentsListResult> {
    const { agents, defaultId, ownership, selectionRequired, mainKey, scope } = this.roster;
    return {
      defaultId,
      ownership,
      selectionRequired,
      mainKey,
      scope,
      agents: await Promise.all(agents.map((agent) => this.summary(agent))),
    };
  }

  /**
   * `agent.identity.get`: by agent, or by session key; an agent nobody configured has the default identity.
   * @throws GatewayError when several agents are configured and neither names one, or the two disagree
   */
  async identity({ agentId: named, sessionKey }: AgentIdentityParams): Promise<AgentIdentityResult> {
    const { roster } = this;
    const key = sessionKey?.trim() || roster.mainKey;
    const owner = /^agent:([^:]+):/i.exec(key)?.[1];
    if (owner === undefined && /^agent:/i.test(key)) {
      throw invalidRequest(`invalid agent.identity.get params: malformed session key "${sessionKey}"`);
    }
    const byKey = owner === undefined ? undefined : agentId(owner);
    const byName = named === undefined ? undefined : agentId(named);
    if (byName !== undefined && byKey !== undefined && byName !== byKey) {
      throw invalidRequest(`agent "${byName}" does not match session key agent "${byKey}"`);
    }
    const id = byName ?? byKey ?? (roster.selectionRequired ? undefined : roster.defaultId);
    if (id === undefined) {
      throw ownerRequired(`session key "${key}"`, "Pass agentId or use an agent-prefixed session key.");
    }
    return identityOf(
      id || roster.defaultId,
      this.find(id),
      workspaceOf(this.config.current, this.config.stateDir, id),
    );
  }

  private async summary(agent: AgentSettings): Promise<AgentSummary> {
    const { id, identity, workspace } = agent;
    const model = this.model(id);
    const choice = this.choice(id);
    const primary = model ? refOf(model) : choice.primary;
    const fallbacks = choice.fallbacks.map((ref) => this.reference(ref));
    const shown = Object.fromEntries(Object.entries(identity).filter(([, value]) => value !== undefined));
    const url = identity.avatar ? await avatarUrl(identity.avatar, workspace) : undefined;
    const name = agent.name ?? identity.name;
    return {
      id,
      ...(name ? { name } : {}),
      ...(Object.keys(shown).length > 0 ? { identity: { ...shown, ...(url ? { avatarUrl: url } : {}) } } : {}),
      workspace,
      workspaceGit: existsSync(join(workspace, ".git")),
      agentRuntime: { ...AGENT_RUNTIME },
      ...this.models.thinking(model, agent.thinkingDefault),
      ...(primary ? { model: { primary, ...(fallbacks.length > 0 ? { fallbacks } : {}) } } : {}),
      defaultPermissionMode: "full",
    };
  }

  private reference(ref: string): string {
    const found = this.models.find(ref);
    return found ? refOf(found) : ref;
  }
}
