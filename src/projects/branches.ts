import type { WorktreesBranchesParams, WorktreesBranchesResult } from "../../generated/types.ts";
import { GatewayError } from "../platform/errors.ts";
import { checkoutOf, git, isFolder } from "./git.ts";

/**
 * `worktrees.branches`: the branches of a checkout, the checked out one first, then the latest. With
 * `includeRepositoryStatus` it is an answer, not an error, that the folder is no checkout.
 * @throws GatewayError
 */
export async function branchesOf(params: WorktreesBranchesParams): Promise<WorktreesBranchesResult> {
  const { repoRoot, includeRepositoryStatus: tell = false } = params;
  if (!(await isFolder(repoRoot))) {
    if (tell) return { branches: [], repositoryStatus: "unavailable" };
    throw new GatewayError("UNAVAILABLE", `Error: repository does not exist: ${repoRoot}`);
  }
  const root = await checkoutOf(repoRoot);
  if (root === null) {
    if (tell) return { branches: [], repositoryStatus: "not_git" };
    throw new GatewayError("UNAVAILABLE", `WorktreeRepositoryError: not a git checkout: ${repoRoot}`);
  }
  const head = (await git(root, "symbolic-ref", "--quiet", "--short", "HEAD")) || undefined;
  const main = await git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD");
  const listed = await git(
    root,
    "for-each-ref",
    "--sort=-committerdate",
    "--format=%(refname)",
    "refs/heads",
    "refs/remotes",
  );
  const branches = (listed ?? "").split("\n").flatMap(branchOf);
  const current = branches.filter(({ kind, name }) => kind === "local" && name === head);
  return {
    branches: [...current, ...branches.filter((branch) => !current.includes(branch))],
    ...(main && { defaultBranch: main.replace(/^origin\//, "") }),
    ...(head && { headBranch: head }),
    ...(tell && { repositoryStatus: "git" as const }),
  };
}

function branchOf(ref: string): WorktreesBranchesResult["branches"] {
  const [, kind, name] = /^refs\/(heads|remotes)\/(.+)$/.exec(ref) ?? [];
  if (name === undefined || (kind === "remotes" && name.endsWith("/HEAD"))) return [];
  return [{ name, kind: kind === "heads" ? "local" : "remote" }];
}
