import { homedir } from "node:os";
import { join } from "node:path";
import type {
  SkillsBinsResult,
  SkillsStatusParams,
  SkillsStatusResult,
  SkillsUpdateParams,
  SkillsUpdateResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { AgentSettings } from "../agents/roster.ts";
import type { Tree } from "../config/json5.ts";
import { redactTree } from "../config/redact.ts";
import type { ConfigPort } from "../config/types.ts";
import { withValue } from "../config/values.ts";
import { dict, text } from "../models/settings.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { binLookup, installersFor, isConfigured, missingFor, type SkillSurroundings } from "./eligibility.ts";
import { type FoundSkill, type SkillRoot, scanSkills } from "./scan.ts";

export interface SkillsDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  /** Writes the config file with what the function makes of its tree. @throws GatewayError */
  edit(change: (tree: Tree) => Tree): void;
  /** The secrets of this gateway, which are shown nowhere. */
  secrets(): readonly string[];
}

/** A skill that people may ask an agent to go by. */
export interface UsableSkill extends Pick<FoundSkill, "name" | "description" | "title" | "baseDir" | "text"> {
  /** Whether the agent may also take it up by itself. */
  modelVisible: boolean;
}

type SkillStatus = SkillsStatusResult["skills"][number];

/** The skills that agents have at hand: folders with a `SKILL.md`, read anew for each answer (docs: tools/skills). */
export class Skills {
  constructor(private readonly deps: SkillsDeps) {}

  /**
   * Every skill of an agent, and for each what it still needs.
   * @throws GatewayError `unknown agent id "x"`
   */
  async status({ agentId }: SkillsStatusParams): Promise<SkillsStatusResult> {
    const agent = this.agent(agentId);
    const around = this.surroundings();
    const skills = await scanSkills(this.roots(agent));
    return {
      workspaceDir: agent.workspace,
      managedSkillsDir: this.managedDir,
      agentId: agent.id,
      skills: skills.map((skill) => this.describe(skill, agent, around)),
    };
  }

  /** The skills that people may ask an agent to go by; none of an agent that is not there. */
  async usable(agentId: string): Promise<UsableSkill[]> {
    const agent = this.deps.agents.find(agentId);
    if (!agent) return [];
    const around = this.surroundings();
    return (await scanSkills(this.roots(agent))).flatMap((skill) => {
      const { commandVisible, modelVisible } = this.describe(skill, agent, around);
      const { name, description, title, baseDir, text } = skill;
      return commandVisible ? [{ name, description, title, baseDir, text, modelVisible }] : [];
    });
  }

  /** Every program that a skill of any agent asks for, by name: what a node looks for on its machine. */
  async bins(): Promise<SkillsBinsResult> {
    const perAgent = await Promise.all(this.deps.agents.roster.agents.map((agent) => scanSkills(this.roots(agent))));
    const bins = perAgent.flat().flatMap(({ requires, install }) => {
      return [...requires.bins, ...requires.anyBins, ...install.flatMap((each) => each.bins)];
    });
    return { bins: [...new Set(bins)].sort() };
  }

  /**
   * Switches a skill on or off, and sets or (with an empty text) takes away its key and variables, in the config file.
   * @throws GatewayError for a skill of a registry, as none is installed from one
   */
  update(params: SkillsUpdateParams): SkillsUpdateResult {
    if (!("skillKey" in params)) return this.updateInstalled(params);
    const { skillKey, enabled, apiKey, env } = params;
    let shown: Tree = {};
    this.deps.edit((tree) => {
      const entry = { ...dict(dict(dict(tree.skills).entries)[skillKey]) };
      if (enabled !== undefined) entry.enabled = enabled;
      if (apiKey !== undefined) setOrDrop(entry, "apiKey", apiKey);
      if (env !== undefined) {
        const variables = { ...dict(entry.env) };
        for (const [name, value] of Object.entries(env)) setOrDrop(variables, name.trim(), value);
        entry.env = variables;
      }
      const after = withValue(tree, ["skills", "entries", skillKey], entry);
      shown = dict(
        dict(redactTree({ skills: { entries: { [skillKey]: entry } } }, this.deps.secrets()).skills).entries,
      );
      return after;
    });
    return { ok: true, skillKey, config: dict(shown[skillKey]) };
  }

  /** Skills of a registry are known by the record of their installation, of which there are none. */
  private updateInstalled({
    agentId,
    slug,
    all,
  }: {
    agentId?: string;
    slug?: string;
    all?: boolean;
  }): SkillsUpdateResult {
    this.deps.agents.owner(agentId, "skills workspace");
    if (slug && all) throw invalidRequest('clawhub skills.update accepts either "slug" or "all", not both');
    if (!slug && !all) throw invalidRequest('clawhub skills.update requires "slug" or "all"');
    if (all) return { ok: true, skillKey: "*", config: { source: "clawhub", results: [] } };
    const error = `Skill "${slug}" is not tracked as a ClawHub install.`;
    throw new GatewayError("UNAVAILABLE", error, { details: { results: [{ ok: false, error }] } });
  }

  private agent(id: string | undefined): AgentSettings {
    const { agents } = this.deps;
    if (id?.trim() === "") return agents.owner(undefined, "skills workspace");
    const found = agents.find(id ?? agents.roster.defaultId);
    if (!found) throw invalidRequest(`unknown agent id "${id}"`);
    return found;
  }

  private get managedDir(): string {
    return join(this.deps.config.stateDir, "skills");
  }

  /** Where an agent's skills lie, the ones that go first at the head. */
  private roots({ workspace }: AgentSettings): SkillRoot[] {
    const { stateDir } = this.deps.config;
    const home = this.env.HOME || homedir();
    const isDefaultState = stateDir === join(home, ".openclaw") || stateDir === join(home, ".chela");
    const extra = dict(this.section.load).extraDirs;
    return [
      { path: join(workspace, "skills"), source: "openclaw-workspace", mayLink: false },
      { path: join(workspace, ".agents", "skills"), source: "agents-skills-project", mayLink: false },
      ...(isDefaultState
        ? [{ path: join(home, ".agents", "skills"), source: "agents-skills-personal", mayLink: true }]
        : []),
      { path: this.managedDir, source: "openclaw-managed", mayLink: true },
      ...(Array.isArray(extra) ? extra : []).flatMap((path) => {
        const named = text(path)?.replace(/^~(?=$|\/)/, home);
        return named ? [{ path: named, source: "openclaw-extra", mayLink: false }] : [];
      }),
    ];
  }

  private describe(skill: FoundSkill, agent: AgentSettings, around: SkillSurroundings): SkillStatus {
    const missing = missingFor(skill, around);
    const disabled = dict(dict(this.section.entries)[skill.skillKey]).enabled === false;
    const allowed = this.allowed(agent);
    const blockedByAgentFilter = allowed !== undefined && !allowed.has(skill.name);
    const eligible = !disabled && Object.values(missing).every((names) => names.length === 0);
    const { requires, name, description, skillKey, primaryEnv, emoji, homepage } = skill;
    const isVisible = eligible && !blockedByAgentFilter;
    return {
      name,
      description,
      source: skill.source,
      bundled: false,
      filePath: join(skill.baseDir, "SKILL.md"),
      baseDir: skill.baseDir,
      skillKey,
      ...(primaryEnv ? { primaryEnv } : {}),
      ...(emoji ? { emoji } : {}),
      ...(homepage ? { homepage } : {}),
      always: skill.always,
      disabled,
      blockedByAllowlist: false,
      blockedByAgentFilter,
      eligible,
      platformIncompatible: missing.os.length > 0,
      modelVisible: isVisible && skill.modelInvocable,
      userInvocable: skill.userInvocable,
      commandVisible: isVisible && skill.userInvocable,
      requirements: { ...requires },
      missing: { ...missing },
      configChecks: requires.config.map((path) => ({ path, satisfied: isConfigured(around.config, path) })),
      install: installersFor(skill, around).map(({ os: _, ...shown }) => shown),
    };
  }

  /** The names an agent may use; undefined: all. Its own list goes before the one of all agents. */
  private allowed(agent: AgentSettings): ReadonlySet<string> | undefined {
    const list = agent.raw.skills ?? dict(dict(this.deps.config.current.agents).defaults).skills;
    return Array.isArray(list) ? new Set(list.filter((name): name is string => typeof name === "string")) : undefined;
  }

  private get section(): Record<string, unknown> {
    return dict(this.deps.config.current.skills);
  }

  private get env(): Readonly<Record<string, string | undefined>> {
    return this.deps.config.env ?? {};
  }

  private surroundings(): SkillSurroundings {
    const { env } = this;
    return {
      platform: process.platform,
      config: dict(this.deps.config.current),
      hasBin: binLookup(env.PATH ?? process.env.PATH),
      hasEnv: (name) => (env[name] ?? "") !== "",
    };
  }
}

function setOrDrop(target: Record<string, unknown>, name: string, value: string): void {
  if (value.trim() === "") delete target[name];
  else target[name] = value.trim();
}
