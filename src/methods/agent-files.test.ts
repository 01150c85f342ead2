import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { type Payload, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
let workspace: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect();
  workspace = join(gateway.stateDir, "workspace");
});
afterAll(() => gateway.stop());
beforeEach(() => {
  rmSync(workspace, { recursive: true, force: true });
  mkdirSync(workspace);
});

const put = (name: string, content = "text"): void => writeFileSync(join(workspace, name), content);
const get = (name: string) => client.request("agents.files.get", { agentId: "main", name });
const set = (name: string, content: string, expectedHash?: string) =>
  client.request("agents.files.set", { agentId: "main", name, content, ...(expectedHash ? { expectedHash } : {}) });

describe("agents.files.list", () => {
  test("shows which files are there and which of the others were to be expected", async () => {
    put("AGENTS.md", "rules");
    const { files, ...rest } = await client.call("agents.files.list", { agentId: "main" });
    expect(rest).toEqual({ agentId: "main", workspace });
    expect(files[0]).toEqual({
      name: "AGENTS.md",
      path: join(workspace, "AGENTS.md"),
      missing: false,
      size: 5,
      updatedAtMs: Math.floor(statSync(join(workspace, "AGENTS.md")).mtimeMs),
    });
    expect(files.slice(1).map((file: Payload) => [file.name, file.missing, file.expectedAbsent])).toEqual([
      ["SOUL.md", true, true],
      ["USER.md", true, true],
      ["BOOTSTRAP.md", true, false],
      ["MEMORY.md", true, true],
    ]);
  });

  test("knows an agent in any spelling and refuses others", async () => {
    expect(await client.call("agents.files.list", { agentId: "MAIN" })).toMatchObject({ agentId: "main" });
    const { error } = await client.request("agents.files.list", { agentId: "ghost" });
    expect(error).toEqual({ code: "INVALID_REQUEST", message: 'agent "ghost" not found' });
  });
});

describe("agents.files.set", () => {
  test("writes what agents.files.get reads, with the hash of it, for its owner alone", async () => {
    const { payload } = await set("SOUL.md", "y");
    const hash = "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa";
    expect(payload).toMatchObject({ ok: true, file: { name: "SOUL.md", missing: false, size: 1, hash, content: "y" } });
    expect((await get("SOUL.md")).payload.file).toEqual(payload.file);
    expect(statSync(join(workspace, "SOUL.md")).mode & 0o777).toBe(0o600);
  });

  test("replaces a file only if it is the expected one, where one is named", async () => {
    const first = (await set("USER.md", "one")).payload.file.hash;
    expect((await set("USER.md", "two", first.toUpperCase())).ok).toBe(true);
    const currentHash = (await get("USER.md")).payload.file.hash;
    const { error } = await set("USER.md", "three", first);
    expect(error).toEqual({
      code: "INVALID_REQUEST",
      message: 'agent file "USER.md" changed since it was read',
      details: { type: "agent_file_conflict", name: "USER.md", currentHash },
    });
    expect((await set("MEMORY.md", "x", first)).error.details).toEqual({
      type: "agent_file_conflict",
      name: "MEMORY.md",
    });
    expect(readFileSync(join(workspace, "USER.md"), "utf8")).toBe("two");
  });

  test("makes the workspace when there is none", async () => {
    rmSync(workspace, { recursive: true });
    expect((await set("IDENTITY.md", "- Name: Ada")).ok).toBe(true);
    expect(await client.call("agent.identity.get", { agentId: "main" })).toMatchObject({ name: "Ada" });
  });

  test("refuses a file above the bound and leaves the one that is there", async () => {
    put("USER.md");
    const { error } = await set("USER.md", "x".repeat(LIMITS.agentFileBytes + 1));
    expect(error.details).toEqual({
      type: "agent_file_too_large",
      name: "USER.md",
      maxBytes: LIMITS.agentFileBytes,
    });
    expect(readFileSync(join(workspace, "USER.md"), "utf8")).toBe("text");
  });
});

describe("attack 58: agents.files reaches nothing but the agent's files", () => {
  test.each(["../../openclaw.json", "/etc/passwd", "../openclaw.json", "TOOLS.md", "USER.md/../../openclaw.json", ""])(
    "by the name %p",
    async (name) => {
      const expected = name === "" ? /must not have fewer than 1/ : `unsupported file "${name}"`;
      expect((await get(name)).error.message).toMatch(expected);
      expect((await set(name, "x")).error.message).toMatch(expected);
    },
  );

  test("by an agent id that looks like a path", async () => {
    const params = { agentId: "../x", name: "USER.md" };
    expect((await client.request("agents.files.get", params)).error.message).toBe('agent "../x" not found');
  });

  test("through a link, a link to nowhere or a second name of a file outside", async () => {
    const outside = join(gateway.stateDir, "secret.txt");
    writeFileSync(outside, "outside");
    symlinkSync(outside, join(workspace, "AGENTS.md"));
    symlinkSync(join(gateway.stateDir, "not-there.txt"), join(workspace, "SOUL.md"));
    linkSync(outside, join(workspace, "USER.md"));
    for (const name of ["AGENTS.md", "SOUL.md", "USER.md"]) {
      expect((await get(name)).error.message).toBe(`unsafe workspace file "${name}"`);
      expect((await set(name, "x")).error.message).toBe(`unsafe workspace file "${name}"`);
    }
    expect(existsSync(join(gateway.stateDir, "not-there.txt"))).toBe(false);
    expect(readFileSync(outside, "utf8")).toBe("outside");
    const { files } = await client.call("agents.files.list", { agentId: "main" });
    expect(files.filter((file: Payload) => !file.missing)).toEqual([]);
  });

  test("through a pipe, which would never end", async () => {
    Bun.spawnSync(["mkfifo", join(workspace, "USER.md")]);
    expect((await get("USER.md")).error.message).toBe('unsafe workspace file "USER.md"');
  });

  test("without the scope for it", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const { error } = await reader.request("agents.files.set", { agentId: "main", name: "USER.md", content: "x" });
    expect(error.message).toBe("missing scope: operator.admin");
  });
});
