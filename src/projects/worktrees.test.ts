import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

let folder: string;
let repo: string;
let clock: ManualClock;
let gateway: TestGateway;
let client: TestClient;
beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-worktrees-")));
  repo = join(folder, "repo");
  mkdirSync(repo);
  git("init", "--initial-branch=main");
  writeFileSync(join(repo, "a.txt"), "one");
  writeFileSync(join(repo, ".gitignore"), "ignored.txt\n");
  git("add", "-A");
  git("commit", "-m", "first");
  clock = new ManualClock();
  gateway = await startTestGateway({ clock });
  client = await gateway.connect();
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

function git(...words: string[]): string {
  const who = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
  const { exitCode, stdout } = Bun.spawnSync(["git", "-C", repo, ...who, ...words], { stderr: "ignore" });
  expect(exitCode).toBe(0);
  return stdout.toString().trim();
}
const branches = () => git("for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n");
const create = (name: string, more: object = {}) => client.call("worktrees.create", { repoRoot: repo, name, ...more });
const refusal = async (method: string, params: object, as = client) =>
  (await as.request(method, params)).error?.message;

describe("a worktree", () => {
  test("is a checkout on a branch of its own, and the same again by its name", async () => {
    const record = await create("task");
    expect(record).toMatchObject({
      name: "task",
      repoRoot: repo,
      branch: "openclaw/task",
      baseRef: "HEAD",
      ownerKind: "manual",
    });
    expect(record.path).toBe(join(gateway.stateDir, "worktrees", record.repoFingerprint, "task"));
    expect(readFileSync(join(record.path, "a.txt"), "utf8")).toBe("one");
    expect(branches()).toEqual(["main", "openclaw/task"]);
    expect((await create("task")).id).toBe(record.id);
    expect((await client.call("worktrees.list")).worktrees).toHaveLength(1);
  });

  test("begins where it is told to, and never at what is no commit", async () => {
    git("branch", "other");
    writeFileSync(join(repo, "a.txt"), "two");
    git("commit", "-am", "second");
    expect(readFileSync(join((await create("old", { baseRef: "other" })).path, "a.txt"), "utf8")).toBe("one");
    for (const baseRef of ["nope", "--upload-pack=touch x", "HEAD:a.txt"]) {
      const message = await refusal("worktrees.create", { repoRoot: repo, name: "bad", baseRef });
      expect(message).toStartWith("InvalidWorktreeBaseRefError: Worktree base ref does not resolve to a commit.");
    }
    expect(branches()).toEqual(["main", "openclaw/old", "other"]);
  });

  test("gets a free name when none is given", async () => {
    const one = await client.call("worktrees.create", { repoRoot: repo });
    const two = await client.call("worktrees.create", { repoRoot: repo });
    expect(one.name).toMatch(/^[a-z]+-[a-z]+$/);
    expect(two.name).not.toBe(one.name);
  });

  test("is made of a workspace or a project by whoever may write, and of any other checkout by administrators", async () => {
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const params = { repoRoot: repo, name: "task" };
    const refused = "worktrees.create outside configured agent workspaces requires gateway scope: operator.admin";
    expect(await refusal("worktrees.create", params, writer)).toBe(refused);
    expect(await refusal("worktrees.create", { repoRoot: join(repo, "..", "x") }, writer)).toBe(refused);
    await client.call("projects.register", { path: repo });
    expect((await writer.call("worktrees.create", params)).name).toBe("task");
  });
});

describe("what is taken away", () => {
  test("can be had back with everything that was not committed, by its id or by its name", async () => {
    const { id, path } = await create("task");
    for (const back of [() => client.call("worktrees.restore", { id }), () => create("task")]) {
      writeFileSync(join(path, "a.txt"), "changed");
      writeFileSync(join(path, "new.txt"), "new");
      writeFileSync(join(path, "ignored.txt"), "secret");
      const removed = await client.call("worktrees.remove", { id });
      expect(removed).toEqual({ removed: true, snapshotRef: `refs/openclaw/snapshots/${id}` });
      expect([existsSync(path), branches()]).toEqual([false, ["main"]]);
      expect(git("ls-tree", "--name-only", removed.snapshotRef).split("\n")).toEqual([
        ".gitignore",
        "a.txt",
        "new.txt",
      ]);
      expect(await refusal("worktrees.remove", { id })).toBe(`Error: unknown active worktree: ${id}`);
      const record = await back();
      expect(record).toMatchObject({ id, path });
      expect(record.removedAt).toBeUndefined();
      expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("changed");
      const status = Bun.spawnSync(["git", "-C", path, "status", "--porcelain"]).stdout.toString();
      expect(status).toBe(" M a.txt\n?? new.txt\n");
    }
    expect(await refusal("worktrees.restore", { id })).toBe(`Error: worktree ${id} is not restorable`);
  });

  test("stays when its contents cannot be kept, unless that is forced", async () => {
    const { id, path } = await create("task");
    rmSync(join(path, ".git"));
    expect(await client.call("worktrees.remove", { id })).toEqual({
      removed: false,
      snapshotError: expect.any(String),
    });
    expect(existsSync(join(path, "a.txt"))).toBe(true);
  });

  test("is forgotten after its time, with its snapshot", async () => {
    const { id } = await create("task");
    const { snapshotRef } = await client.call("worktrees.remove", { id });
    expect(await client.call("worktrees.gc")).toEqual({ removed: [], orphansDeleted: 0, snapshotsPruned: 0 });
    clock.advance(LIMITS.worktreeSnapshotMs);
    expect(await client.call("worktrees.gc")).toEqual({ removed: [], orphansDeleted: 0, snapshotsPruned: 1 });
    expect(git("for-each-ref", snapshotRef)).toBe("");
    expect((await client.call("worktrees.list")).worktrees).toEqual([]);
  });

  test("by somebody else is found missing", async () => {
    const { id, path } = await create("task");
    rmSync(path, { recursive: true });
    expect(await client.call("worktrees.gc")).toEqual({ removed: [id], orphansDeleted: 0, snapshotsPruned: 0 });
  });
});

test("no program that a repository names is run", async () => {
  const marker = join(folder, "ran");
  const program = join(folder, "program.sh");
  writeFileSync(program, `#!/bin/sh\necho "$0" >> '${marker}'\ncat\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(repo, ".gitattributes"), "* filter=evil\n");
  git("add", "-A");
  git("commit", "-m", "attributes");
  for (const key of ["filter.evil.smudge", "filter.evil.clean", "core.fsmonitor"]) git("config", key, program);
  git("config", "filter.evil.required", "true");
  for (const hook of ["post-checkout", "reference-transaction", "post-index-change"]) {
    writeFileSync(join(repo, ".git", "hooks", hook), `#!/bin/sh\necho hook >> '${marker}'\n`, { mode: 0o755 });
  }
  const { id, path } = await create("task");
  writeFileSync(join(path, "a.txt"), "changed");
  await client.call("worktrees.remove", { id });
  await client.call("worktrees.restore", { id });
  await client.call("worktrees.remove", { id });
  clock.advance(LIMITS.worktreeSnapshotMs);
  await client.call("worktrees.gc");
  expect(existsSync(marker)).toBe(false);
});
