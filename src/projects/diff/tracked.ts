import { LIMITS } from "../../../generated/limits.ts";
import type { SessionDiffFile } from "../../../generated/types.ts";
import type { Checkout } from "./checkout.ts";

const STATUS: Readonly<Record<string, SessionDiffFile["status"]>> = { A: "added", D: "deleted", R: "renamed" };

/** Nothing of the checkout is run for it: no diff programs, no converters, nothing of checkouts within it. */
const QUIET = ["--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--find-renames"];

/** The tracked files that differ between two states, by path; without `to` those that the folder has now. */
export async function trackedFiles(
  { git }: Checkout,
  from: string,
  to: string | undefined,
): Promise<{ files: SessionDiffFile[]; truncated: boolean }> {
  const between = [from, ...(to === undefined ? [] : [to]), "--"];
  const diff = (...words: string[]) => git("diff", ...QUIET, ...words, ...between);
  const [states, counts, patches] = await Promise.all([
    diff("--name-status", "-z"),
    diff("--numstat", "-z"),
    diff("--patch", "--src-prefix=a/", "--dst-prefix=b/"),
  ]);
  if (states === null || counts === null) return { files: [], truncated: true };
  const numbers = countsOf(counts);
  const texts = patches === null ? null : patchesOf(patches);
  const found = statesOf(states);
  const page = found.slice(0, LIMITS.diffFiles);
  const files = page.map(({ state, path, oldPath }, at): SessionDiffFile => {
    const count = numbers[at];
    const facts = {
      path,
      status: STATUS[state] ?? "modified",
      additions: count?.additions ?? 0,
      deletions: count?.deletions ?? 0,
      ...(oldPath !== undefined && { oldPath }),
    };
    if (count?.binary) return { ...facts, binary: true };
    const patch = texts?.length === found.length ? texts[at] : undefined;
    return patch !== undefined && patch.length <= LIMITS.diffPatchChars
      ? { ...facts, patch }
      : { ...facts, patch: "", truncated: true };
  });
  return { files, truncated: page.length < found.length };
}

/** `M\0path\0` or, for a renamed file, `R100\0old\0new\0`. */
function statesOf(text: string): { state: string; path: string; oldPath?: string }[] {
  const words = text.split("\0");
  const found: { state: string; path: string; oldPath?: string }[] = [];
  for (let at = 0; at + 1 < words.length; ) {
    const state = words[at]!.charAt(0);
    const isPair = state === "R" || state === "C";
    const [first = "", second = ""] = [words[at + 1], words[at + 2]];
    found.push(isPair ? { state, path: second, oldPath: first } : { state, path: first });
    at += isPair ? 3 : 2;
  }
  return found;
}

/** `added\tdeleted\tpath\0`, with `-` for what is binary; for a renamed file both paths follow, each with a zero. */
function countsOf(text: string): { additions: number; deletions: number; binary: boolean }[] {
  const words = text.split("\0");
  const found: { additions: number; deletions: number; binary: boolean }[] = [];
  for (let at = 0; at < words.length; ) {
    const [, added, deleted, path] = /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(words[at]!) ?? [];
    if (added === undefined) break;
    found.push({ additions: Number(added) || 0, deletions: Number(deleted) || 0, binary: added === "-" });
    at += path === "" ? 3 : 1;
  }
  return found;
}

/** The patches of the files, in order. Lines of files begin with a sign or a blank, so that these words begin none. */
const patchesOf = (text: string): string[] =>
  text === "" ? [] : text.split(/^(?=diff --git )/m).map((patch) => `${patch.replace(/\n$/, "")}\n`);
