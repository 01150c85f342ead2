import { LIMITS } from "../../../generated/limits.ts";
import type { SessionDiffCommit, SessionDiffFile, SessionsDiffResult } from "../../../generated/types.ts";
import { type Checkout, openCheckout } from "./checkout.ts";
import { trackedFiles } from "./tracked.ts";
import { untrackedFiles } from "./untracked.ts";

/** What of a checkout is compared: all since its branch left the main one, what is not committed, or one commit. */
export type DiffScope = { kind: "all" } | { kind: "uncommitted" } | { kind: "commit"; commit: string };

/** The state before anything was committed. */
const NOTHING = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** What a checkout has changed, as `sessions.diff` shows it (measured on 2026.9.6). */
export async function checkoutDiff(folder: string, scope: DiffScope): Promise<Omit<SessionsDiffResult, "sessionKey">> {
  const none = { files: [], additions: 0, deletions: 0 };
  const checkout = await openCheckout(folder);
  if (checkout === null) return { ...none, unavailableReason: "not_git" };
  const head = await checkout.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}");
  const place = head === null ? null : await placeOf(checkout);
  const facts = { root: checkout.root, ...place?.shown };
  const range = await rangeOf(checkout, scope, head, place);
  if (range === null) return { ...facts, ...none, unavailableReason: "unknown_commit" };
  const tracked = await trackedFiles(checkout, range.from, range.to);
  const untracked = range.to === undefined ? await untrackedFiles(checkout) : { files: [], truncated: false };
  const files = [...tracked.files, ...untracked.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const sum = (pick: (file: SessionDiffFile) => number) => files.reduce((total, file) => total + pick(file), 0);
  return {
    ...facts,
    files: bounded(files),
    additions: sum(({ additions }) => additions),
    deletions: sum(({ deletions }) => deletions),
    ...((tracked.truncated || untracked.truncated) && { truncated: true }),
  };
}

/** Where a branch stands: which one it left, where, and what was committed since. */
interface Place {
  shown: Pick<SessionsDiffResult, "branch" | "baseRef" | "aheadCount" | "commits" | "mergeBase">;
  /** Null on the main branch itself, and where no branch is checked out. */
  mergeBase: string | null;
}

async function placeOf(checkout: Checkout): Promise<Place> {
  const { git } = checkout;
  const branch = (await git("symbolic-ref", "--quiet", "--short", "HEAD")) || undefined;
  const base = branch === undefined ? null : await mainBranch(checkout);
  const mergeBase = base === null || isBranch(base, branch) ? null : await git("merge-base", base, "HEAD");
  if (base === null || !mergeBase) return { shown: { ...(branch && { branch }), baseRef: "HEAD" }, mergeBase: null };
  const since = `${mergeBase}..HEAD`;
  const [count, log, root] = await Promise.all([
    git("rev-list", "--count", since),
    git("log", "--format=%h%x00%s", "-n", String(LIMITS.diffCommits), since),
    git("log", "--format=%h%x00%s", "-n", "1", mergeBase),
  ]);
  const [left] = commitsOf(root);
  return {
    shown: {
      ...(branch && { branch }),
      baseRef: base,
      aheadCount: Number(count ?? 0),
      commits: commitsOf(log),
      ...(left && { mergeBase: left }),
    },
    mergeBase,
  };
}

const isBranch = (base: string, branch: string | undefined): boolean => base === branch || base === `origin/${branch}`;

async function mainBranch({ git }: Checkout): Promise<string | null> {
  const remote = await git("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD");
  if (remote) return remote;
  for (const name of ["main", "master"]) {
    if ((await git("rev-parse", "--verify", "--quiet", `refs/heads/${name}`)) !== null) return name;
  }
  return null;
}

function commitsOf(log: string | null): SessionDiffCommit[] {
  return (log ?? "").split("\n").flatMap((line) => {
    const [sha, subject = ""] = line.split("\0");
    return sha ? [{ sha, subject }] : [];
  });
}

async function rangeOf(
  { git }: Checkout,
  scope: DiffScope,
  head: string | null,
  place: Place | null,
): Promise<{ from: string; to?: string } | null> {
  if (scope.kind === "uncommitted") return { from: head ?? NOTHING };
  if (scope.kind === "all") return { from: place?.mergeBase ?? head ?? NOTHING };
  if (!place?.mergeBase) return null;
  const words = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${scope.commit}^{commit}`];
  const commit = await git(...words);
  const since = commit && (await git("rev-list", `${place.mergeBase}..HEAD`));
  if (!commit || !since?.split("\n").includes(commit)) return null;
  return { from: `${commit}^`, to: commit };
}

/** Patches that would make the answer too large are left out; their files are named all the same. */
function bounded(files: readonly SessionDiffFile[]): SessionDiffFile[] {
  let left = LIMITS.diffTotalChars;
  return files.map((file) => {
    left -= file.patch?.length ?? 0;
    return left >= 0 || !file.patch ? file : { ...file, patch: "", truncated: true };
  });
}
