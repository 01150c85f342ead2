import { lstat, mkdir, realpath, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type {
  WorktreeRecord,
  WorktreesCreateParams,
  WorktreesGcResult,
  WorktreesListResult,
  WorktreesRemoveParams,
  WorktreesRemoveResult,
} from "../../generated/types.ts";
import { expandHome } from "../config/paths.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { Places } from "../platform/places.ts";
import { hasScope } from "../platform/scopes.ts";
import { checkOut, commitOf, fillFrom, fingerprintOf, snapshot, takeAway } from "./checkout.ts";
import { checkoutOf, git, isFolder } from "./git.ts";
import type { Projects } from "./projects.ts";
import { freeName } from "./worktree-names.ts";
import type { WorktreeRepository } from "./worktree-repository.ts";

interface WorktreeDeps {
  repository: WorktreeRepository;
  /** Their checkouts are those that people without `operator.admin` may work with. */
  projects: Pick<Projects, "list">;
  config: Pick<ConfigPort, "current" | "stateDir"> & { readonly home: string | undefined };
  clock: Clock;
}

interface Repository {
  root: string;
  fingerprint: string;
}

/**
 * Checkouts of their own for pieces of work, each on its branch, outside of the repository that they come from (docs:
 * concepts/managed-worktrees). What is in one is kept as a snapshot in the repository before it is taken away, and can be
 * had back for `worktreeSnapshotMs`. Nothing is fetched, and no hook or filter of a repository is run.
 */
export class Worktrees {
  /** One change at a time: none finds half of another's. */
  private readonly turn = new Places(1);

  constructor(private readonly deps: WorktreeDeps) {}

  async list(): Promise<WorktreesListResult> {
    return { worktrees: await this.deps.repository.list() };
  }

  /**
   * Makes a worktree; one of that name is given back as it is, or restored when it was removed.
   * @throws GatewayError for a folder that is no checkout or not the caller's to use, and for a base that is no commit
   */
  create(params: WorktreesCreateParams, caller: { scopes: ReadonlySet<string> }): Promise<WorktreeRecord> {
    return this.alone(async () => {
      const { repoRoot, name: wanted, baseRef } = params;
      if (!hasScope(caller, "operator.admin")) await this.mustBeSource(repoRoot);
      const repository = await repositoryAt(repoRoot);
      const known = wanted === undefined ? null : await this.deps.repository.named(repository.fingerprint, wanted);
      if (known) return this.reuse(known);
      const base = baseRef ?? (await usualBase(repository.root));
      const commit = await commitOf(repository.root, base);
      if (commit === null) throw unavailable(NO_COMMIT);
      return this.make(repository, wanted ?? (await this.unusedName(repository)), base, commit);
    });
  }

  /** @throws GatewayError `unknown active worktree: x` */
  remove({ id, force = false }: WorktreesRemoveParams): Promise<WorktreesRemoveResult> {
    return this.alone(async () => {
      const { repository, clock } = this.deps;
      const record = await repository.find(id);
      if (record === null || record.removedAt !== undefined) throw unavailable(`Error: unknown active worktree: ${id}`);
      const { repoRoot, path, branch } = record;
      const snapshotRef = await snapshot(repoRoot, path, `refs/openclaw/snapshots/${id}`).catch(() => null);
      const failure =
        snapshotRef === null ? { snapshotError: "The contents of the worktree could not be kept." } : null;
      if (failure && !force) return { removed: false, ...failure };
      // Without a snapshot the branch alone has what was committed.
      await takeAway(repoRoot, path, snapshotRef === null ? null : branch);
      if (await exists(path)) return { removed: false, ...failure };
      if (snapshotRef === null) await repository.forget(id);
      else await repository.removed(id, snapshotRef, clock.now());
      return { removed: true, ...(snapshotRef === null ? failure : { snapshotRef }) };
    });
  }

  /** @throws GatewayError `worktree x is not restorable` */
  restore({ id }: { id: string }): Promise<WorktreeRecord> {
    return this.alone(async () => {
      const record = await this.deps.repository.find(id);
      if (record?.removedAt === undefined) throw unavailable(`Error: worktree ${id} is not restorable`);
      return this.bringBack(record);
    });
  }

  /**
   * Forgets snapshots that are old, and worktrees whose folder somebody else has taken away. Folders that nobody has made
   * through the gateway stay.
   */
  gc(): Promise<WorktreesGcResult> {
    return this.alone(async () => {
      const { repository, clock } = this.deps;
      const removed: string[] = [];
      let snapshotsPruned = 0;
      for (const { id, path, repoRoot, removedAt, snapshotRef } of await repository.list()) {
        if (removedAt === undefined) {
          if (await exists(path)) continue;
          await takeAway(repoRoot, path, null);
          removed.push(id);
        } else if (removedAt > clock.now() - LIMITS.worktreeSnapshotMs) continue;
        else {
          if (snapshotRef !== undefined) await git(repoRoot, "update-ref", "-d", snapshotRef);
          snapshotsPruned++;
        }
        await repository.forget(id);
      }
      return { removed, orphansDeleted: 0, snapshotsPruned };
    });
  }

  private async reuse(record: WorktreeRecord): Promise<WorktreeRecord> {
    if (record.removedAt !== undefined) return this.bringBack(record);
    if (!(await exists(record.path))) {
      throw unavailable(`Error: the folder of worktree ${record.name} is gone; clean up worktrees and try again`);
    }
    await this.deps.repository.live(record.id, this.deps.clock.now());
    return (await this.deps.repository.find(record.id))!;
  }

  private async make({ root, fingerprint }: Repository, name: string, base: string, commit: string) {
    const { repository, clock } = this.deps;
    if ((await repository.list()).length >= LIMITS.worktrees) {
      throw unavailable("Error: there are too many worktrees; remove those no longer used");
    }
    const parent = join(this.rootFolder(), fingerprint);
    const path = join(parent, name);
    const branch = `openclaw/${name}`;
    await mkdir(parent, { recursive: true, mode: 0o700 });
    if (await exists(path)) throw unavailable(`Error: something else is at ${path}`);
    if ((await commitOf(root, `refs/heads/${branch}`)) !== null) {
      throw unavailable(`Error: branch ${branch} already exists`);
    }
    await mustHaveRoom(parent);
    if (!(await checkOut(root, path, branch, commit))) {
      await takeAway(root, path, branch);
      throw unavailable("Error: the worktree could not be made");
    }
    const now = clock.now();
    const record: WorktreeRecord = {
      id: uuid(),
      name,
      repoFingerprint: fingerprint,
      repoRoot: root,
      path,
      branch,
      baseRef: base,
      ownerKind: "manual",
      createdAt: now,
      lastActiveAt: now,
    };
    await repository.add(record);
    return record;
  }

  private async bringBack({ id, repoRoot, path, branch, snapshotRef }: WorktreeRecord): Promise<WorktreeRecord> {
    const parent = snapshotRef === undefined ? null : await commitOf(repoRoot, `${snapshotRef}^`);
    if (parent === null || (await exists(path))) throw unavailable(`Error: worktree ${id} is not restorable`);
    await mustHaveRoom(this.deps.config.stateDir);
    const isThere = (await commitOf(repoRoot, `refs/heads/${branch}`)) !== null;
    const made = await checkOut(repoRoot, path, branch, isThere ? null : parent);
    if (!made || !(await fillFrom(repoRoot, path, snapshotRef!))) {
      if (!isThere) await takeAway(repoRoot, path, branch);
      throw unavailable(`Error: worktree ${id} could not be restored`);
    }
    await this.deps.repository.live(id, this.deps.clock.now());
    return (await this.deps.repository.find(id))!;
  }

  private unusedName({ root, fingerprint }: Repository): Promise<string> {
    const folder = join(this.rootFolder(), fingerprint);
    return freeName(
      async (name) =>
        (await this.deps.repository.named(fingerprint, name)) !== null ||
        (await commitOf(root, `refs/heads/openclaw/${name}`)) !== null ||
        (await exists(join(folder, name))),
    );
  }

  private rootFolder(): string {
    const configured = (this.deps.config.current as { worktreeRoot?: string }).worktreeRoot?.trim();
    if (!configured) return join(this.deps.config.stateDir, "worktrees");
    const path = expandHome(configured, this.deps.config.home ?? homedir());
    if (!isAbsolute(path)) throw unavailable("Error: worktreeRoot must be an absolute path");
    return path;
  }

  private async mustBeSource(repoRoot: string): Promise<void> {
    const real = (path: string) => realpath(path).catch(() => null);
    const asked = await real(repoRoot);
    const { projects } = await this.deps.projects.list({}, true);
    const allowed = await Promise.all(projects.map((project) => real(String(project.repoRoot))));
    if (asked !== null && isAbsolute(repoRoot) && allowed.includes(asked)) return;
    throw invalidRequest("worktrees.create outside configured agent workspaces requires gateway scope: operator.admin");
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    const letGo = await this.turn.take();
    try {
      return await work();
    } finally {
      letGo();
    }
  }
}

const NO_COMMIT =
  "InvalidWorktreeBaseRefError: Worktree base ref does not resolve to a commit. Choose a local or remote branch and " +
  "retry. <- CommandExecutionError: git rev-parse --verify failed (exit code 128):\nfatal: Needed a single revision";

async function repositoryAt(folder: string): Promise<Repository> {
  if (!(await isFolder(folder))) throw unavailable(`Error: repository does not exist: ${folder}`);
  const root = await checkoutOf(folder);
  if (root === null) throw unavailable(`WorktreeRepositoryError: not a git checkout: ${folder}`);
  return { root, fingerprint: await fingerprintOf(root) };
}

/** The main branch of the origin as it was last fetched, else what is checked out. */
async function usualBase(root: string): Promise<string> {
  const main = await git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD");
  return main && (await commitOf(root, main)) !== null ? main : "HEAD";
}

async function mustHaveRoom(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < LIMITS.worktreeFreeBytes) throw unavailable("Error: there is too little room on the disk");
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const unavailable = (message: string): GatewayError => new GatewayError("UNAVAILABLE", message);
