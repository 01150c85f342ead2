import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let folder: string;
let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-bench-")));
  gateway = await startTestGateway();
  client = await gateway.connect();
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const refusal = async (method: string, params: object): Promise<string> =>
  (await client.request(method, params)).error?.message;

async function git(at: string, ...words: string[]): Promise<void> {
  const who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"];
  const child = Bun.spawn(["git", "-C", at, ...who, ...words], { stdout: "ignore", stderr: "ignore" });
  expect(await child.exited).toBe(0);
}

/** A checkout with one commit. */
async function checkout(name: string): Promise<string> {
  const at = join(folder, name);
  mkdirSync(join(at, "sub"), { recursive: true });
  await git(at, "init");
  await git(at, "commit", "--allow-empty", "-m", "first");
  return at;
}

describe("progress cards", () => {
  test("are put, counted, told of, and taken away with their session", async () => {
    const { key } = await client.call("sessions.create", { key: "agent:main:card" });
    expect(await client.call("progressCard.get", { sessionKey: key })).toEqual({ card: null });
    const first = await client.call("progressCard.put", { sessionKey: "card", markdown: "# half" });
    expect(first.card).toEqual({ sessionKey: key, revision: 1, updatedAt: expect.any(Number), markdown: "# half" });
    expect((await client.event("progressCard.changed")).payload).toEqual({ sessionKey: key, revision: 1 });
    const steps = [{ step: "one", status: "pending" }];
    const second = await client.call("progressCard.put", { sessionKey: key, plan: steps });
    expect(second.card).toEqual({ sessionKey: key, revision: 2, updatedAt: expect.any(Number), steps });
    await client.call("sessions.delete", { key });
    expect(await client.call("progressCard.get", { sessionKey: key })).toEqual({ card: null });
  });

  test("are cleared by what says nothing; by those who expect a revision only when that is done", async () => {
    const { key } = await client.call("sessions.create", { key: "agent:main:clear" });
    const put = async (params: object) => (await client.call("progressCard.put", { sessionKey: key, ...params })).card;
    await put({ markdown: "a" });
    expect((await put({ markdown: "  ", expectedRevision: 1 })).revision).toBe(1);
    await put({ plan: [{ step: "one", status: "completed" }] });
    expect((await put({ expectedRevision: 1 })).revision).toBe(2);
    expect(await put({ plan: [], expectedRevision: 2 })).toBeNull();
    expect((await put({ markdown: "b" })).revision).toBe(4);
    expect(await put({})).toBeNull();
  });

  test("end with a reset of their session, which counts", async () => {
    const { key } = await client.call("sessions.create", { key: "agent:main:reset" });
    await client.call("progressCard.put", { sessionKey: key, markdown: "a" });
    await client.call("sessions.reset", { key });
    expect(await client.call("progressCard.get", { sessionKey: key })).toEqual({ card: null });
    expect((await client.call("progressCard.put", { sessionKey: key, markdown: "b" })).card.revision).toBe(3);
  });

  test("refuse what makes no sense", async () => {
    const { key } = await client.call("sessions.create", { key: "agent:main:refuse" });
    const put = (params: object) => refusal("progressCard.put", { sessionKey: key, ...params });
    expect(await put({ markdown: "x", expectedRevision: 1 })).toBe(
      "expectedRevision is only valid when clearing a card",
    );
    expect(await put({ markdown: "x".repeat(LIMITS.progressCardChars + 1) })).toContain("at most");
    expect(await put({ sessionKey: "agent:main:nobody", markdown: "x" })).toBe("session not found: agent:main:nobody");
  });
});

describe("artifacts", () => {
  test("are the pictures of a transcript, with their bytes", async () => {
    const { key } = await client.call("sessions.create", { key: "agent:main:art" });
    const picture = (data: string) => ({ type: "image" as const, data, mimeType: "image/png" });
    const say = (n: number) => ({
      role: "user" as const,
      content: [{ type: "text" as const, text: "look" }, picture(Buffer.from(`picture ${n}`).toString("base64"))],
      timestamp: n,
      idempotencyKey: `run-${n}:user`,
    });
    await gateway.services.sessions.append(key, [1, 2, 3, 4, 5].map(say));
    await gateway.services.sessions.append(key, [{ role: "user", content: '"type":"image"', timestamp: 6 }]);
    const { artifacts } = await client.call("artifacts.list", { sessionKey: "art" });
    expect(artifacts).toHaveLength(5);
    expect(artifacts[0]).toMatchObject({
      mimeType: "image/png",
      sizeBytes: 9,
      messageSeq: 1,
      download: { mode: "bytes" },
    });
    const artifactId = artifacts[2].id;
    expect(await client.call("artifacts.get", { sessionKey: key, artifactId })).toEqual({ artifact: artifacts[2] });
    const { data, encoding } = await client.call("artifacts.download", { sessionKey: key, artifactId });
    expect([encoding, Buffer.from(data, "base64").toString()]).toEqual(["base64", "picture 3"]);
    const first = await client.call("artifacts.list", { sessionKey: key, type: "image" });
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
    expect(first.artifacts.map(({ messageSeq }: any) => messageSeq)).toEqual([5, 4, 3, 2]);
    const rest = await client.call("artifacts.list", { sessionKey: key, type: "image", cursor: first.nextCursor });
    expect(rest).toEqual({ artifacts: [artifacts[0]] });
    const assistants = await client.call("artifacts.list", { sessionKey: key, messageRole: "assistant" });
    expect(assistants.artifacts).toEqual([]);
    const foreign = { sessionKey: "agent:main:other", artifactId };
    expect(await refusal("artifacts.download", foreign)).toBe("artifact not found");
  });

  test("need somewhere to be looked for", async () => {
    expect(await refusal("artifacts.list", {})).toBe("artifacts require one of sessionKey, runId, or taskId");
    expect(await refusal("artifacts.list", { runId: "nope" })).toBe("no session found for artifact query");
    expect(await refusal("artifacts.list", { sessionKey: "x", limit: 1 })).toBe("limit and cursor require type image");
    expect(await refusal("artifacts.list", { sessionKey: "x", agentId: "ghost" })).toBe('Unknown agent id "ghost"');
    expect(await refusal("artifacts.get", { runId: "nope", artifactId: "x" })).toBe("artifact not found");
    expect(await client.call("artifacts.list", { sessionKey: "agent:main:nothing" })).toEqual({ artifacts: [] });
  });
});

describe("suggestions", () => {
  const given = { title: "T", prompt: "P", tldr: "L", cwd: "/tmp", sessionKey: "agent:main:hint" };

  test("wait newest first until somebody dismisses them", async () => {
    const { taskId, suggestion } = await client.call("taskSuggestions.create", given);
    expect(suggestion).toEqual({ ...given, id: taskId, agentId: "main", createdAt: expect.any(Number) });
    expect((await client.event("task.suggestion")).payload).toEqual({ action: "created", suggestion });
    const newer = await client.call("taskSuggestions.create", { ...given, sessionKey: "agent:ops:other" });
    const listed = async (params: object) =>
      // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
      (await client.call("taskSuggestions.list", params)).suggestions.map(({ id }: any) => id);
    expect(await listed({})).toEqual([newer.taskId, taskId]);
    expect(await listed({ agentId: "main" })).toEqual([taskId]);
    expect(await listed({ agentId: "ops" })).toEqual([newer.taskId]);
    const foreign = { sessionKey: "agent:main:hint", agentId: "ops" };
    expect(await refusal("taskSuggestions.list", foreign)).toBe('Unknown agent id "ops"');
    expect(await refusal("taskSuggestions.list", { sessionKey: "agent::x" })).toBe('malformed session key "agent::x"');
    const relative = await refusal("taskSuggestions.create", { ...given, cwd: "tmp" });
    expect(relative).toBe("task suggestion cwd must be absolute");
    expect(await listed({ sessionKey: "hint" })).toEqual([]);
    expect(await client.call("taskSuggestions.dismiss", { taskId })).toEqual({ taskId, dismissed: true });
    expect(await client.call("taskSuggestions.dismiss", { taskId })).toEqual({ taskId, dismissed: false });
    expect(await listed({})).toEqual([newer.taskId]);
  });
});

describe("projects", () => {
  test("are registered by any folder of a checkout, once, and forgotten", async () => {
    const at = await checkout("My Repo");
    await git(at, "remote", "add", "origin", "https://user:secret@example.org/x.git");
    const project = await client.call("projects.register", { path: join(at, "sub") });
    const originUrl = "https://example.org/x.git";
    expect(project).toEqual({ id: "my-repo", displayName: "My Repo", repoRoot: at, originUrl, source: "registered" });
    expect(await client.call("projects.register", { path: at, name: "Other" })).toEqual(project);
    expect((await client.call("projects.list")).projects).toEqual([project]);
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const { repoRoot: _, originUrl: __, ...bare } = project;
    expect((await reader.call("projects.list")).projects).toEqual([bare]);
    expect(await client.call("projects.remove", { id: "my-repo" })).toEqual({ removed: true });
    expect(await refusal("projects.remove", { id: "my-repo" })).toBe("unknown project id: my-repo");
  });

  test("are checkouts that are there", async () => {
    expect(await refusal("projects.register", { path: "/nowhere" })).toBe("project path does not exist: /nowhere");
    expect(await refusal("projects.register", { path: "relative" })).toBe("project path does not exist: relative");
    expect(await refusal("projects.register", { path: folder })).toBe(`project path is not a git checkout: ${folder}`);
  });
});

describe("worktrees.branches", () => {
  test("tells the branches of a checkout, the present one first", async () => {
    const at = await checkout("branches");
    await git(at, "branch", "a-branch");
    const branches = [
      { name: "main", kind: "local" },
      { name: "a-branch", kind: "local" },
    ];
    expect(await client.call("worktrees.branches", { repoRoot: at })).toEqual({ branches, headBranch: "main" });
    expect(await client.call("worktrees.branches", { repoRoot: at, includeRepositoryStatus: true })).toMatchObject({
      repositoryStatus: "git",
    });
  });

  test("says what is none", async () => {
    const ask = { includeRepositoryStatus: true };
    expect(await refusal("worktrees.branches", {})).toBe("invalid worktrees parameters");
    expect(await refusal("worktrees.branches", { repoRoot: folder })).toBe(
      `WorktreeRepositoryError: not a git checkout: ${folder}`,
    );
    expect(await refusal("worktrees.branches", { repoRoot: "/nowhere" })).toBe(
      "Error: repository does not exist: /nowhere",
    );
    const none = { branches: [], repositoryStatus: "not_git" };
    expect(await client.call("worktrees.branches", { repoRoot: folder, ...ask })).toEqual(none);
  });

  test("runs nothing that a checkout brings along", async () => {
    const at = await checkout("hostile");
    const mark = join(folder, "ran");
    writeFileSync(join(folder, "run.sh"), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    for (const key of ["core.fsmonitor", "core.pager", "core.sshCommand"]) {
      await git(at, "config", key, join(folder, "run.sh"));
    }
    await client.call("worktrees.branches", { repoRoot: at, includeRepositoryStatus: true });
    await client.call("projects.register", { path: at });
    expect(await Bun.file(mark).exists()).toBe(false);
  });

  test("82: fetches nothing: a checkout that keeps its objects elsewhere does not run its own program for that", async () => {
    const at = join(folder, "partial");
    const mark = join(folder, "fetched");
    const program = join(folder, "fetch.sh");
    writeFileSync(program, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    for (const part of ["refs/heads", "objects"]) mkdirSync(join(at, ".git", part), { recursive: true });
    writeFileSync(join(at, ".git", "HEAD"), "ref: refs/heads/main\n");
    writeFileSync(join(at, ".git", "refs", "heads", "main"), `${"1".repeat(40)}\n`);
    const remote = ["promisor = true", `url = ${folder}`, `uploadpack = ${program}`];
    const settings = ["[core]", "repositoryformatversion = 1", "[extensions]", "partialClone = origin"];
    writeFileSync(join(at, ".git", "config"), [...settings, '[remote "origin"]', ...remote, ""].join("\n"));
    expect(await client.call("worktrees.branches", { repoRoot: at })).toEqual({ branches: [], headBranch: "main" });
    expect(await Bun.file(mark).exists()).toBe(false);
  });

  test("82: git is told nothing by the variables of the gateway's own environment", async () => {
    const at = await checkout("environment");
    process.env.GIT_DIR = join(folder, "elsewhere");
    try {
      expect(await client.call("worktrees.branches", { repoRoot: at })).toMatchObject({ headBranch: "main" });
    } finally {
      delete process.env.GIT_DIR;
    }
  });
});

describe("themes", () => {
  test("are those of the page, with the one that the configuration names", async () => {
    const named = await startTestGateway({ config: { ui: { prefs: { theme: "tide", themeMode: "dark" } } } as never });
    const other = await named.connect();
    const { current, theme, themes } = await other.call("themes.list");
    expect(current).toEqual({ id: "tide", mode: "dark", scope: "gateway", overrides: {} });
    expect(theme).toMatchObject({ id: "tide", name: "Tide", source: "builtin", modes: ["light", "dark"] });
    expect(themes).toHaveLength(11);
    await named.stop();
    expect((await client.call("themes.get", { id: "knot" })).theme.name).toBe("Knot");
    expect(await refusal("themes.get", { id: "nope" })).toStartWith("Theme nope is unavailable.");
    expect(await refusal("themes.set", {})).toStartWith("Set a theme id or mode;");
    expect(await refusal("themes.set", { id: "knot" })).toStartWith("Changing themes requires");
  });
});

test("a page asks for the models of a session, tasks by time, and sessions without those of subagents", async () => {
  const { accountSelection } = await client.call("models.list", { sessionKey: "agent:main:main" });
  expect(accountSelection).toEqual({ kind: "automatic", label: "Automatic account selection" });
  expect(await refusal("models.list", { sessionKey: "agent:ghost:main" })).toBe(
    "Error: Model catalog is not ready. Retry after Gateway startup or refresh finishes.",
  );
  await client.call("sessions.create", { key: "agent:main:subagent:one" });
  const keys = async (params: object) =>
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
    (await client.call("sessions.list", params)).sessions.map(({ key }: any) => key);
  expect(await keys({})).toContain("agent:main:subagent:one");
  expect(await keys({ excludeSubagents: true })).not.toContain("agent:main:subagent:one");
  expect(await keys({ hasBoard: true })).toEqual([]);
  expect((await client.call("tasks.list", { sortBy: "updatedAt" })).tasks).toEqual([]);
  expect(await refusal("tasks.list", { sortBy: "createdAt" })).toContain("at /sortBy");
});

test("doctor.memory.dreamDiary reads the diary of an agent's workspace", async () => {
  const workspace = join(folder, "dreamer");
  mkdirSync(workspace);
  const agents = { list: [{ id: "main", workspace }] };
  const dreaming = await startTestGateway({ config: { agents } as never });
  const reader = await dreaming.connect();
  const diary = { agentId: "main", found: false, path: "DREAMS.md" };
  expect(await reader.call("doctor.memory.dreamDiary")).toEqual(diary);
  writeFileSync(join(workspace, "DREAMS.md"), "sheep");
  const written = await reader.call("doctor.memory.dreamDiary", { agentId: "main" });
  expect(written).toEqual({ ...diary, found: true, content: "sheep", updatedAtMs: expect.any(Number) });
  const wrong = async (agentId: unknown) =>
    (await reader.request("doctor.memory.dreamDiary", { agentId })).error?.message;
  expect(await wrong(5)).toBe("agentId must be a string");
  expect(await wrong("ghost")).toBe('unknown agent id "ghost"');
  await dreaming.stop();
});

test("tools.github.status says that nobody is set up", async () => {
  const status = await client.call("tools.github.status", { agentId: "main", selectedScope: "agent" });
  expect(status).toMatchObject({ selected: { configured: false }, effective: { credentialState: "unavailable" } });
});
