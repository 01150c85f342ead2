import { existsSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, normalize, resolve, sep } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type { FsDirEntry, FsListDirParams, FsListDirResult } from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";

/** Who asks. */
export interface FolderCaller {
  connId: string;
  deviceId?: string;
  scopes: ReadonlySet<string>;
}

interface DirectoryDeps {
  agents: { readonly roster: { defaultId: string; agents: readonly { id: string; workspace: string }[] } };
  home: string | undefined;
  /** Asks a node for its folders. */
  onNode(call: { nodeId: string; path: string | undefined }, caller: FolderCaller): Promise<unknown>;
}

/**
 * `fs.listDir`: the folders in a folder of this machine, for choosing one. Writers see the workspaces of agents, all else
 * is for administrators (docs: gateway/operator-scopes; measured on 2026.9.6).
 */
export class Directories {
  constructor(private readonly deps: DirectoryDeps) {}

  /** @throws GatewayError for a missing scope, a path that is not absolute, and what cannot be read */
  async list({ path, nodeId }: FsListDirParams, caller: FolderCaller): Promise<FsListDirResult> {
    if (!hasScope(caller, "operator.write")) throw missingScope("operator.write");
    const isAdmin = hasScope(caller, "operator.admin");
    if (nodeId !== undefined) {
      if (!isAdmin) throw missingScope("operator.admin");
      return nodeList(await this.deps.onNode({ nodeId, path }, caller));
    }
    if (path?.includes("\0")) throw invalidRequest("fs.listDir path must be absolute");
    const folder = path ?? (isAdmin ? this.home : this.workspace);
    const root = isAdmin ? null : await this.workspaceAround(folder);
    if (!isAdmin && root === null) throw missingScope("operator.admin");
    if (!isAbsolute(folder)) throw invalidRequest("fs.listDir path must be absolute");
    const place = resolve(normalize(folder));
    // A workspace is made when its agent first works; until then it is empty.
    const isNew = root !== null && place === root && !existsSync(place);
    const entries = isNew ? [] : await folders(place);
    const parent = dirname(place);
    const hasParent = parent !== place && (root === null || (await this.workspaceAround(parent)) !== null);
    return { path: place, ...(hasParent && { parent }), home: this.home, entries };
  }

  private get home(): string {
    return this.deps.home ?? homedir();
  }

  private get workspace(): string {
    const { defaultId, agents } = this.deps.agents.roster;
    return agents.find(({ id }) => id === defaultId)?.workspace ?? this.home;
  }

  /** The workspace that a folder is, or lies in, links followed; null for none. */
  private async workspaceAround(folder: string): Promise<string | null> {
    if (!isAbsolute(folder)) return null;
    const place = await nearestReal(resolve(folder));
    for (const { workspace } of this.deps.agents.roster.agents) {
      const root = await realpath(workspace).catch(() => resolve(workspace));
      if (place === root || place.startsWith(root + sep)) return root;
    }
    return null;
  }
}

/** What a node says, as far as it is a list of folders. @throws GatewayError when it is none */
function nodeList(payload: unknown): FsListDirResult {
  const { path, parent, home, entries } = (payload ?? {}) as Partial<FsListDirResult>;
  if (!isText(path) || !isText(home) || !Array.isArray(entries)) {
    throw new GatewayError("UNAVAILABLE", "the node gave no list of folders");
  }
  const named = entries.filter((entry) => isText(entry?.name) && isText(entry?.path));
  const shown = named.slice(0, LIMITS.directoryEntries).map(({ name, path: place, hidden }) => ({
    name,
    path: place,
    ...(hidden === true && { hidden }),
  }));
  return { path, ...(isText(parent) && { parent }), home, entries: shown };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Where a path leads: of one that is not there, the nearest folder above that is, and the rest. */
async function nearestReal(path: string): Promise<string> {
  const real = await realpath(path).catch(() => null);
  if (real !== null) return real;
  const above = dirname(path);
  return above === path ? path : join(await nearestReal(above), path.slice(above.length));
}

async function folders(place: string): Promise<FsDirEntry[]> {
  const found = await readdir(place, { withFileTypes: true }).catch((error) => {
    throw invalidRequest(readProblem(error, place));
  });
  const kept: FsDirEntry[] = [];
  for (const entry of found) {
    const path = join(place, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(path)));
    if (!isFolder) continue;
    kept.push({ name: entry.name, path, ...(entry.name.startsWith(".") && { hidden: true }) });
    if (kept.length > LIMITS.directoryEntries) {
      throw new GatewayError("UNAVAILABLE", `the folder holds more than ${LIMITS.directoryEntries} folders`);
    }
  }
  return kept.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const leadsToFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
};

function readProblem(error: unknown, place: string): string {
  const code = (error as { code?: string }).code ?? "EIO";
  return `${code}: ${PROBLEMS[code] ?? "the folder cannot be read"}, scandir '${place}' | ${code}`;
}
