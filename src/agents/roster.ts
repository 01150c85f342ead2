import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { dict, type ModelChoiceSettings, modelChoice, text } from "../models/settings.ts";
import { type GatewayError, invalidRequest } from "../platform/errors.ts";

/** One agent as the configuration describes it. */
export interface AgentSettings {
  id: string;
  name?: string;
  identity: { name?: string; theme?: string; emoji?: string; avatar?: string };
  /** Absolute path. */
  workspace: string;
  /** The agent's own model; without one the default of all agents counts, fallbacks included. */
  model?: ModelChoiceSettings;
  thinkingDefault?: string;
  /** A `model` or `workspace` of its own may differ from the defaults; this is the entry as written. */
  raw: Record<string, unknown>;
}

/** The configured agents, and who owns what names none. */
export interface Roster {
  /** The default agent first, the others by id. */
  agents: AgentSettings[];
  defaultId: string;
  /** `sole`: one agent, it owns all. `legacy`: several with a marked default. `explicit`: several, callers must say. */
  ownership: "sole" | "legacy" | "explicit";
  selectionRequired: boolean;
  /** The last part of every main session's key. `session.mainKey` is read and without effect, as it is upstream. */
  mainKey: string;
  scope: "per-sender" | "global";
}

/** An agent id as it is compared and stored: `A b!c` is `a-b-c`. Empty when nothing usable is left. */
export function agentId(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
}

const rosters = new WeakMap<object, Map<string, Roster>>();

/**
 * The roster of a configuration: `agents.entries` by id, or the older `agents.list`; without either the agent `main`.
 * Read once per configuration object.
 * @param stateDir where workspaces without a path of their own lie
 */
export function readRoster(config: object, stateDir: string): Roster {
  const known = rosters.get(config) ?? new Map<string, Roster>();
  rosters.set(config, known);
  let roster = known.get(stateDir);
  if (!roster) {
    roster = parse(config as Record<string, unknown>, stateDir);
    known.set(stateDir, roster);
  }
  return roster;
}

/** Where an agent's files lie when it is not in the roster. */
export function workspaceOf(config: object, stateDir: string, id: string): string {
  const roster = readRoster(config, stateDir);
  const known = roster.agents.find((agent) => agent.id === id);
  return (
    known?.workspace ??
    defaultWorkspace(dict(dict((config as Record<string, unknown>).agents).defaults), stateDir, id, false)
  );
}

/** The refusal when several agents are configured and a call names none. */
export function ownerRequired(what: string, remedy: string): GatewayError {
  return invalidRequest(`Multiple agents are configured, but ${what} has no explicit owner. ${remedy}`);
}

function parse(config: Record<string, unknown>, stateDir: string): Roster {
  const agents = dict(config.agents);
  const defaults = dict(agents.defaults);
  const rows = entries(agents);
  const ids = [...rows.keys()];
  const marked = ids.find((id) => rows.get(id)?.default === true);
  const explicit = ids.length > 1 && (agents.ownership === "explicit" || !marked);
  const named = agentId(text(dict(defaults.systemAgent).agentId) ?? "");
  const appointed = rows.has(named) ? named : undefined;
  const defaultId = marked ?? appointed ?? (rows.has("main") ? "main" : (ids[0] ?? "main"));
  const shares = (id: string) => ids.length <= 1 || (!explicit && id === defaultId);
  if (ids.length === 0) rows.set("main", {});
  const session = dict(config.session);
  return {
    agents: [...rows]
      .map(([id, raw]) =>
        settings(id, raw, workspace(raw.workspace) ?? defaultWorkspace(defaults, stateDir, id, shares(id))),
      )
      .sort((a, b) => Number(b.id === defaultId) - Number(a.id === defaultId) || (a.id < b.id ? -1 : 1)),
    defaultId,
    ownership: ids.length <= 1 ? "sole" : explicit ? "explicit" : "legacy",
    selectionRequired: explicit && appointed === undefined,
    mainKey: "main",
    scope: session.scope === "global" ? "global" : "per-sender",
  };
}

function entries(agents: Record<string, unknown>): Map<string, Record<string, unknown>> {
  const named = Object.entries(dict(agents.entries));
  const listed = (Array.isArray(agents.list) ? agents.list : []).map((raw) => [text(dict(raw).id) ?? "", raw] as const);
  const rows = new Map<string, Record<string, unknown>>();
  for (const [name, raw] of named.length > 0 ? named : listed) {
    const id = agentId(name);
    if (id !== "" && !rows.has(id)) rows.set(id, dict(raw));
  }
  return rows;
}

function settings(id: string, raw: Record<string, unknown>, path: string): AgentSettings {
  const identity = dict(raw.identity);
  const model = raw.model === undefined ? undefined : modelChoice(raw.model);
  return {
    id,
    name: text(raw.name),
    identity: {
      name: text(identity.name),
      theme: text(identity.theme),
      emoji: text(identity.emoji),
      avatar: text(identity.avatar),
    },
    workspace: path,
    model: model?.primary ? model : undefined,
    thinkingDefault: text(raw.thinkingDefault),
    raw,
  };
}

/** A sole agent uses the shared root itself; of several each has its own beside or under it (docs: concepts/agent-workspace). */
function defaultWorkspace(defaults: Record<string, unknown>, stateDir: string, id: string, shares: boolean): string {
  const root = workspace(defaults.workspace);
  if (shares) return root ?? join(stateDir, "workspace");
  return root ? join(root, id) : join(stateDir, `workspace-${id}`);
}

function workspace(value: unknown): string | undefined {
  const path = text(value);
  if (!path) return undefined;
  if (path === "~" || path.startsWith("~/")) return join(process.env.HOME || homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(path);
}
