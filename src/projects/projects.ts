import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type {
  ProjectRecord,
  ProjectsListParams,
  ProjectsListResult,
  ProjectsRegisterParams,
  ProjectsRemoveParams,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import { checkoutOf, isFolder, originOf } from "./git.ts";

export interface ProjectDeps {
  store: Store;
  agents: Pick<AgentCatalogue, "roster">;
  clock: Clock;
}

interface Row {
  id: string;
  display_name: string;
  repo_root: string;
}

/** Checkouts that people work in: those that were registered, and the workspaces of agents that are checkouts. */
export class Projects {
  constructor(private readonly deps: ProjectDeps) {}

  /** @param seesPaths where things lie is told to those who may write alone */
  async list({ includeObserved }: ProjectsListParams, seesPaths: boolean): Promise<ProjectsListResult> {
    const rows = await this.deps.store.read(
      (db) => db.query("SELECT * FROM projects ORDER BY display_name, id").all() as Row[],
    );
    const registered = await Promise.all(rows.map((row) => this.record(row, seesPaths)));
    const workspaces = this.deps.agents.roster.agents
      .filter(({ workspace }) => existsSync(join(workspace, ".git")))
      .map(
        ({ id, workspace }): ProjectRecord => ({
          id: `workspace:${id}`,
          displayName: basename(workspace),
          repoRoot: workspace,
          source: "workspace",
          agentId: id,
        }),
      );
    const projects = [...registered, ...workspaces];
    return {
      projects: seesPaths ? projects : projects.map(({ repoRoot: _, originUrl: __, ...rest }) => rest),
      // No session has worked outside of its workspace, so that no other checkouts were seen.
      ...(includeObserved && seesPaths && { observedProjects: [] }),
    };
  }

  /** Registers the checkout that a folder lies in; one that is registered stays as it is. @throws GatewayError */
  async register({ path, name }: ProjectsRegisterParams): Promise<ProjectRecord> {
    if (!(await isFolder(path))) throw invalidRequest(`project path does not exist: ${path}`);
    const root = await checkoutOf(path);
    if (root === null) throw invalidRequest(`project path is not a git checkout: ${path}`);
    const displayName = name?.trim() || basename(root);
    const now = this.deps.clock.now();
    const row = await this.deps.store.write((db) => {
      const known = db.query("SELECT * FROM projects WHERE repo_root = ?").get(root) as Row | null;
      if (known) return known;
      const { n } = db.query("SELECT count(*) AS n FROM projects").get() as { n: number };
      if (n >= LIMITS.projects) throw invalidRequest("too many projects are registered; remove those no longer used");
      const taken = (id: string) => db.query("SELECT 1 FROM projects WHERE id = ?").get(id) !== null;
      const insert = db.query(
        "INSERT INTO projects (id, display_name, repo_root, created_at) VALUES (?, ?, ?, ?) RETURNING *",
      );
      return insert.get(freeId(displayName, taken), displayName, root, now) as Row;
    });
    return this.record(row);
  }

  /** Forgets a project; its files stay. @throws GatewayError `unknown project id: x` */
  async remove({ id, deleteCheckout }: ProjectsRemoveParams): Promise<{ removed: boolean }> {
    const gone = await this.deps.store.write((db) => {
      const row = db.query("SELECT id FROM projects WHERE id = ?").get(id);
      if (row !== null && deleteCheckout) throw invalidRequest("only checkouts that the gateway cloned can be deleted");
      return db.query("DELETE FROM projects WHERE id = ? RETURNING 1").get(id);
    });
    if (gone === null) throw invalidRequest(`unknown project id: ${id}`);
    return { removed: true };
  }

  private async record({ id, display_name, repo_root }: Row, seesOrigin = true): Promise<ProjectRecord> {
    const originUrl = seesOrigin ? await originOf(repo_root) : undefined;
    return {
      id,
      displayName: display_name,
      repoRoot: repo_root,
      ...(originUrl && { originUrl }),
      source: "registered",
    };
  }
}

/** A short id out of a name, with a number behind it when it is taken. */
function freeId(name: string, taken: (id: string) => boolean): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 56);
  const base = plain || "project";
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!taken(id)) return id;
  }
}
