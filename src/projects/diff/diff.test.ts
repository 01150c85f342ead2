import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkoutDiff } from "./diff.ts";

let home: string;
let repo: string;
beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "chela-diff-")));
  repo = join(home, "repo");
  mkdirSync(repo);
  git("init", "-q", "-b", "main");
  write("a.txt", "one\ntwo\nthree\n");
  write("del.txt", "x\n");
  write("ren.txt", "r1\nr2\nr3\nr4\nr5\n");
  write("b.bin", "\0one");
  commit("first commit");
  git("checkout", "-q", "-b", "feature");
  write("a.txt", "one\nTWO\nthree\nfour\n");
  rmSync(join(repo, "del.txt"));
  git("mv", "ren.txt", "renamed.txt");
  commit("second: change");
  write("a.txt", "one\nTWO\nthree\nfour\nmore\n");
  write("b.bin", "\0two");
  mkdirSync(join(repo, "d"));
  write("d/sp ace.txt", "q\n");
  write("new.txt", "new\nfile");
  symlinkSync("/etc/passwd", join(repo, "link"));
});
afterAll(() => rmSync(home, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(repo, name), text);
function git(...words: string[]): string {
  const who = ["-c", "user.name=n", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(["git", "-C", repo, ...who, ...words]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return stdout.toString().trim();
}
function commit(subject: string): void {
  git("add", "--all");
  git("commit", "-q", "-m", subject);
}
const short = (ref: string): string => git("rev-parse", "--short", ref);
const shown = async (scope: Parameters<typeof checkoutDiff>[1]) => {
  const { files } = await checkoutDiff(repo, scope);
  return files.map(({ path, status, additions, deletions }) => `${status} ${path} +${additions} -${deletions}`);
};

describe("a branch", () => {
  test("shows what it changed since it left the main one, committed or not", async () => {
    const diff = await checkoutDiff(join(repo, "d"), { kind: "all" });
    expect(diff).toMatchObject({
      root: repo,
      branch: "feature",
      baseRef: "main",
      aheadCount: 1,
      commits: [{ sha: short("HEAD"), subject: "second: change" }],
      mergeBase: { sha: short("main"), subject: "first commit" },
      additions: 6,
      deletions: 2,
    });
    const [a, b, space, gone, fresh, renamed, ...rest] = diff.files;
    expect(rest).toEqual([]);
    expect(a?.patch).toStartWith("diff --git a/a.txt b/a.txt\nindex ");
    expect(a?.patch).toEndWith("-two\n+TWO\n three\n+four\n+more\n");
    expect(b).toEqual({ path: "b.bin", status: "modified", additions: 0, deletions: 0, binary: true });
    expect(space).toMatchObject({ path: "d/sp ace.txt", status: "added", untracked: true });
    expect(gone).toMatchObject({ path: "del.txt", status: "deleted", deletions: 1 });
    expect(renamed).toMatchObject({ path: "renamed.txt", oldPath: "ren.txt", status: "renamed" });
    const blob = git("hash-object", "new.txt").slice(0, 7);
    expect(fresh?.patch).toBe(
      `diff --git a/new.txt b/new.txt\nnew file mode 100644\nindex 0000000..${blob}\n--- /dev/null\n+++ b/new.txt\n` +
        "@@ -0,0 +1,2 @@\n+new\n+file\n\\ No newline at end of file\n",
    );
  });

  test("writes the patch of a new file as git does", async () => {
    const { files } = await checkoutDiff(repo, { kind: "uncommitted" });
    for (const { path, patch } of files.filter(({ untracked }) => untracked)) {
      const { stdout } = Bun.spawnSync(["git", "-C", repo, "diff", "--no-index", "--", "/dev/null", path]);
      expect(patch).toBe(stdout.toString());
    }
  });

  test("shows what is not committed alone, or one of its commits", async () => {
    expect(await shown({ kind: "uncommitted" })).toEqual([
      "modified a.txt +1 -0",
      "modified b.bin +0 -0",
      "added d/sp ace.txt +1 -0",
      "added new.txt +2 -0",
    ]);
    const second = ["modified a.txt +2 -1", "deleted del.txt +0 -1", "renamed renamed.txt +0 -0"];
    expect(await shown({ kind: "commit", commit: git("rev-parse", "HEAD") })).toEqual(second);
    expect(await shown({ kind: "commit", commit: "HEAD" })).toEqual(second);
  });

  test.each(["main", "--all", "nope", ""])("knows no commit %j of its own", async (commit) => {
    expect(await checkoutDiff(repo, { kind: "commit", commit })).toMatchObject({
      files: [],
      unavailableReason: "unknown_commit",
    });
  });
});

test("a folder that is no checkout says so", async () => {
  expect(await checkoutDiff(home, { kind: "all" })).toEqual({
    files: [],
    additions: 0,
    deletions: 0,
    unavailableReason: "not_git",
  });
});

test("a checkout without commits shows its files as new", async () => {
  const place = join(home, "fresh");
  mkdirSync(place);
  Bun.spawnSync(["git", "init", "-q", place]);
  writeFileSync(join(place, "a"), "1\n");
  const { files, branch, baseRef } = await checkoutDiff(place, { kind: "all" });
  expect({ branch, baseRef }).toEqual({ branch: undefined, baseRef: undefined });
  expect(files.map(({ path, untracked }) => [path, untracked])).toEqual([["a", true]]);
});

test("nothing that the settings of a checkout name is run, and no other folder is looked at", async () => {
  const mark = join(home, "ran");
  const run = `touch ${mark}; cat`;
  for (const key of ["filter.f.clean", "filter.f.process", "diff.d.textconv", "diff.d.command", "diff.external"]) {
    git("config", key, run);
  }
  git("config", "filter.f.required", "true");
  git("config", "core.fsmonitor", `touch ${mark}`);
  git("config", "core.worktree", home);
  writeFileSync(join(home, "secret.txt"), "s\n");
  write(".gitattributes", "*.txt filter=f diff=d\n");
  const { root, files } = await checkoutDiff(repo, { kind: "all" });
  expect(root).toBe(repo);
  expect(files.map(({ path }) => path)).not.toContain("secret.txt");
  expect(files.find(({ path }) => path === "a.txt")).toMatchObject({ additions: 3, deletions: 1 });
  expect(existsSync(mark)).toBe(false);
});
