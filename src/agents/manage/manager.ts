import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type {
  AgentsCreateParams,
  AgentsCreateResult,
  AgentsDeleteParams,
  AgentsDeleteResult,
  AgentsListResult,
  AgentsUpdateParams,
  AgentsUpdateResult,
} from "../../../generated/types.ts";
import type { Tree } from "../../config/json5.ts";
import type { ConfigPort } from "../../config/types.ts";
import { dict, text } from "../../models/settings.ts";
import type { Clock } from "../../platform/clock.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { errorCode, makePrivateDirectory } from "../../platform/private-file.ts";
import type { Settings } from "../../store/settings.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { agentId } from "../roster.ts";
import { createWorkspace, type StartingFacts } from "./starting-files.ts";
import { trashFolder } from "./trash.ts";

/** Under which name it is kept when each agent was made by a client; by id, milliseconds since the epoch. */
const CREATED = "agents.created";

interface ManagerDeps {
  config: ConfigPort;
  settings: Settings;
  clock: Clock;
  agents: AgentCatalogue;
  /** Writes the config file with what the function makes of its tree; in force when it returns. @throws GatewayError */
  edit(change: (tree: Tree) => Tree): void;
  /** Deletes the conversations of an agent. */
  forgetSessions(agentId: string): Promise<void>;
}

/** The agent that a configuration without agents has. */
const FIRST = "main";

/** Adds, changes and removes agents: their entries in the config file, and the folders that belong to them. */
export class AgentManager {
  constructor(private readonly deps: ManagerDeps) {}

  /** `agents.list`: the catalogue, and of agents that clients made when that was. */
  async describe(): Promise<AgentsListResult> {
    const { agents, settings } = this.deps;
    const list = await agents.describe();
    const created = (await settings.get<Record<string, number>>(CREATED)) ?? {};
    const origin = (id: string) =>
      Object.hasOwn(created, id)
        ? { createdVia: "operator" as const, creatorAgentId: null, createdAt: created[id]! }
        : {};
    return { ...list, agents: list.agents.map((agent) => ({ ...agent, ...origin(agent.id) })) };
  }

  /**
   * @throws GatewayError for a name without a usable letter (`Agent name "x" has no valid id characters. …`), one that is
   *   taken (`agent "x" already exists`), and what the config file refuses
   */
  async create(params: AgentsCreateParams): Promise<AgentsCreateResult> {
    const { config, agents, edit } = this.deps;
    const name = params.name.trim();
    const id = agentId(name);
    if (id === "") {
      throw invalidRequest(`Agent name "${name}" has no valid id characters. Use at least one letter a-z or digit.`);
    }
    if (id === FIRST || agents.find(id)) throw invalidRequest(`agent "${id}" already exists`);
    const workspace = this.path(params.workspace) ?? this.ownWorkspace(id);
    const emoji = text(params.emoji);
    const avatar = text(params.avatar);
    const model = text(params.model);
    const identity = { name, ...(emoji ? { emoji } : {}), ...(avatar ? { avatar } : {}) };
    const agentDir = join(config.stateDir, "agents", id, "agent");
    const entry = { name, workspace, agentDir, ...(model ? { model } : {}), identity };
    await this.prepare(workspace, identity);
    edit((tree) => withAgent(this.keepingOthers(tree), id, entry));
    await this.remember(id, this.deps.clock.now());
    return { ok: true, agentId: id, name, workspace, ...(model ? { model } : {}) };
  }

  /** Changes what is named; `model: null` and empty texts take a setting away. @throws GatewayError `agent "x" not found` */
  async update(params: AgentsUpdateParams): Promise<AgentsUpdateResult> {
    const { id } = this.deps.agents.required(params.agentId);
    const workspace = this.path(params.workspace);
    if (workspace) await this.prepare(workspace, { name: params.name ?? id });
    this.deps.edit((tree) => withAgent(tree, id, changed(entryOf(tree, id), { ...params, workspace })));
    return { ok: true, agentId: id };
  }

  /**
   * Removes the agent and what binds channels to it; unless told otherwise its conversations are deleted and its
   * workspace goes to the trash.
   * @throws GatewayError `agent "x" not found`, and for the one that answers where no agent is named
   */
  async delete({ agentId: named, deleteFiles = true }: AgentsDeleteParams): Promise<AgentsDeleteResult> {
    const { agents, config, edit, forgetSessions } = this.deps;
    const { id, workspace } = agents.required(named);
    if (id === agents.roster.defaultId) {
      throw invalidRequest(
        `Agent "${id}" answers where no agent is named and cannot be deleted. Choose another first.`,
      );
    }
    const bindings = Array.isArray(config.current.bindings) ? config.current.bindings : [];
    const removedBindings = bindings.filter((binding) => isOf(binding, id)).length;
    edit((tree) => withoutAgent(tree, id));
    await this.remember(id, undefined);
    const result: AgentsDeleteResult = { ok: true, agentId: id, removedBindings, removed: [], failed: [] };
    if (!deleteFiles) return result;
    await forgetSessions(id);
    const others = agents.roster.agents.map((agent) => agent.workspace);
    const outcome = await trashFolder(workspace, this.home, [config.stateDir, ...others]);
    if ("method" in outcome) result.removed!.push({ path: workspace, method: outcome.method });
    else result.failed!.push({ path: workspace, reason: outcome.reason });
    return result;
  }

  /** Of agents that are gone by other ways nothing is kept, so that the record grows no larger than the roster. */
  private async remember(id: string, createdAt: number | undefined): Promise<void> {
    const { agents, settings } = this.deps;
    await settings.update<Record<string, number>>(CREATED, (before = {}) => {
      const kept = Object.entries(before).filter(([known]) => known !== id && agents.find(known));
      return Object.fromEntries(createdAt === undefined ? kept : [...kept, [id, createdAt]]);
    });
  }

  /**
   * A configuration that had one agent, or none by name, has several from now on. The one it had keeps its workspace,
   * and keeps answering where no agent is named, talk included.
   */
  private keepingOthers(tree: Tree): Tree {
    const { agents } = this.deps;
    const { defaultId } = agents.roster;
    const listed = Object.keys(dict(dict(tree.agents).entries)).length;
    if (listed > 1) return tree;
    const before = entryOf(tree, defaultId);
    const kept = withAgent(tree, defaultId, { workspace: agents.required(defaultId).workspace, ...before });
    const section = dict(kept.agents);
    const defaults = { ...dict(section.defaults), systemAgent: { agentId: defaultId } };
    const talk = { agentId: defaultId, ...dict(tree.talk) };
    return { ...kept, agents: { ...section, defaults, ownership: "explicit" }, talk };
  }

  /** The workspace has to be there before the config file names it. @throws GatewayError when it cannot be made */
  private async prepare(workspace: string, facts: StartingFacts): Promise<void> {
    const { skipBootstrap } = dict(dict(this.deps.config.current.agents).defaults);
    try {
      if (skipBootstrap === true) makePrivateDirectory(workspace);
      else await createWorkspace(workspace, facts);
    } catch (error) {
      throw invalidRequest(`the workspace cannot be made (${errorCode(error) ?? "unknown"})`);
    }
  }

  private get home(): string {
    return process.env.HOME || homedir();
  }

  private path(given: string | undefined): string | undefined {
    const path = text(given);
    if (!path) return undefined;
    if (path === "~" || path.startsWith("~/")) return join(this.home, path.slice(1));
    // From where the gateway was started is no place that a client could mean.
    if (!isAbsolute(path)) throw invalidRequest("workspace must be an absolute path, or start with ~/");
    return resolve(path);
  }

  private ownWorkspace(id: string): string {
    const root = this.path(text(dict(dict(this.deps.config.current.agents).defaults).workspace));
    return root ? join(root, id) : join(this.deps.config.stateDir, `workspace-${id}`);
  }
}

const entryOf = (tree: Tree, id: string): Tree => {
  const entries = dict(dict(tree.agents).entries);
  const name = Object.keys(entries).find((key) => agentId(key) === id) ?? id;
  return dict(entries[name]);
};

/** The tree with this entry in the place of the agent's. */
function withAgent(tree: Tree, id: string, entry: Tree): Tree {
  const agents = dict(tree.agents);
  const entries = dict(agents.entries);
  const name = Object.keys(entries).find((key) => agentId(key) === id) ?? id;
  if (Array.isArray(agents.list)) {
    throw invalidRequest("agents.list of an older release names the agents; write them as agents.entries first");
  }
  return { ...tree, agents: { ...agents, entries: { ...entries, [name]: entry } } };
}

function withoutAgent(tree: Tree, id: string): Tree {
  const { ownership, ...agents } = dict(tree.agents);
  const entries = Object.fromEntries(Object.entries(dict(agents.entries)).filter(([name]) => agentId(name) !== id));
  const isOne = Object.keys(entries).length <= 1;
  const bindings = Array.isArray(tree.bindings) ? tree.bindings.filter((binding) => !isOf(binding, id)) : undefined;
  return {
    ...tree,
    agents: { ...agents, ...(isOne || ownership === undefined ? {} : { ownership }), entries },
    ...(bindings ? { bindings } : {}),
  };
}

const isOf = (binding: unknown, id: string): boolean => agentId(text(dict(binding).agentId) ?? "") === id;

function changed(entry: Tree, { name, workspace, model, emoji, avatar }: AgentsUpdateParams): Tree {
  const identity = dict(entry.identity);
  const after = withSet(identity, { name, emoji, avatar });
  return withSet(entry, {
    name,
    workspace,
    model: model === null ? "" : model,
    identity: Object.keys(after).length > 0 ? after : "identity" in entry ? "" : undefined,
  });
}

/** The object with these values; undefined leaves one as it is, an empty text takes it away. */
function withSet(before: Tree, values: Tree): Tree {
  const after = { ...before };
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (typeof value === "string" && value.trim() === "") delete after[key];
    else after[key] = value;
  }
  return after;
}
