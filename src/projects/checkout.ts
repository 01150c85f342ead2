import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { git, gitWork, originOf } from "./git.ts";

const SNAPSHOT_MESSAGE = "OpenClaw worktree snapshot: manual-delete";

/** By which a repository is known wherever its checkout lies: 16 hexadecimal digits (docs: concepts/managed-worktrees). */
export async function fingerprintOf(root: string): Promise<string> {
  const common = await git(root, "rev-parse", "--path-format=absolute", "--git-common-dir");
  const origin = (await originOf(root)) ?? "";
  return createHash("sha256").update(`${common}\n${origin}`).digest("hex").slice(0, 16);
}

/** The commit that a name stands for; null when it stands for none. A name is never an option. */
export const commitOf = (root: string, ref: string): Promise<string | null> =>
  git(root, "rev-parse", "--quiet", "--verify", "--end-of-options", `${ref}^{commit}`);

/** Makes a checkout at `path`, on a new branch at the commit, or on the branch as it is. Tells whether it is there. */
export async function checkOut(root: string, path: string, branch: string, commit: string | null): Promise<boolean> {
  const where = commit === null ? [path, branch] : ["-b", branch, path, commit];
  const added = await gitWork(root, ["worktree", "add", "--no-checkout", ...where]);
  if (added === null) return false;
  return (await gitWork(path, ["reset", "--hard", "--quiet"], await within(root, path))) !== null;
}

/** Takes a checkout away, and its branch if one is named. */
export async function takeAway(root: string, path: string, branch: string | null): Promise<void> {
  await gitWork(root, ["worktree", "remove", "--force", path]);
  if (branch !== null) await git(root, "branch", "--quiet", "-D", "--", branch);
}

/** Keeps everything of a checkout that git does not ignore, as a commit under `ref`. Null when that is not possible. */
export async function snapshot(root: string, path: string, ref: string): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), "chela-index-"));
  const env = { ...(await within(root, path)), GIT_INDEX_FILE: join(folder, "index"), ...AUTHOR };
  try {
    if ((await gitWork(path, ["read-tree", "HEAD"], env)) === null) return null;
    if ((await gitWork(path, ["add", "--all", "."], env)) === null) return null;
    const tree = await gitWork(path, ["write-tree"], env);
    if (!tree) return null;
    const commit = await gitWork(path, ["commit-tree", tree, "-p", "HEAD", "-m", SNAPSHOT_MESSAGE], env);
    if (!commit) return null;
    return (await git(root, "update-ref", ref, commit)) === null ? null : ref;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes the files of a checkout those of a snapshot, as changes that are not committed. */
export async function fillFrom(root: string, path: string, ref: string): Promise<boolean> {
  const env = await within(root, path);
  if ((await gitWork(path, ["read-tree", "--reset", "-u", ref], env)) === null) return false;
  return (await gitWork(path, ["reset", "--mixed", "--quiet", "HEAD"], env)) !== null;
}

const AUTHOR = {
  GIT_AUTHOR_NAME: "OpenClaw",
  GIT_AUTHOR_EMAIL: "openclaw@localhost",
  GIT_COMMITTER_NAME: "OpenClaw",
  GIT_COMMITTER_EMAIL: "openclaw@localhost",
};

/** For work in the checkout at `path`, and in none above it when this one is damaged. */
const within = async (root: string, path: string): Promise<Record<string, string>> => ({
  ...(await withoutFilters(root)),
  GIT_CEILING_DIRECTORIES: dirname(path),
});

/**
 * Settings that keep git from running the programs that the settings of a repository name for its files: whoever can
 * write into a checkout, which an agent can, could else have the gateway run anything.
 */
async function withoutFilters(root: string): Promise<Record<string, string>> {
  const listed = await git(root, "config", "--null", "--name-only", "--get-regexp", "^filter\\.");
  const names = new Set((listed ?? "").split("\0").flatMap((key) => /^filter\.(.*)\.[^.]+$/s.exec(key)?.[1] ?? []));
  const settings = [...names].slice(0, LIMITS.gitFilters).flatMap((name) => [
    [`filter.${name}.smudge`, ""],
    [`filter.${name}.clean`, ""],
    [`filter.${name}.process`, ""],
    [`filter.${name}.required`, "false"],
  ]);
  if (names.size > LIMITS.gitFilters) throw new Error("the repository has too many filters");
  return Object.fromEntries([
    ["GIT_CONFIG_COUNT", String(settings.length)],
    ...settings.flatMap(([key, value], at) => [
      [`GIT_CONFIG_KEY_${at}`, key!],
      [`GIT_CONFIG_VALUE_${at}`, value!],
    ]),
  ]);
}
