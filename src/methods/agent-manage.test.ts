import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withValue } from "../config/values.ts";
import { type Payload, startTestGateway, TEST_TOKEN, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
let home: string;
const oldHome = process.env.HOME;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "chela-home-"));
  process.env.HOME = home;
  gateway = await startTestGateway();
  writeFileSync(
    gateway.services.config.path,
    `{
  // who may come in
  gateway: { auth: { mode: "token", token: "${TEST_TOKEN}" } },
  bindings: [{ agentId: "parity-bot", match: { channel: "telegram" } }, { agentId: "main", match: { channel: "irc" } }],
}
`,
  );
  gateway.services.config.refresh();
  client = await gateway.connect();
});
afterAll(async () => {
  await gateway.stop();
  process.env.HOME = oldHome;
  rmSync(home, { recursive: true });
});

const refused = async (method: string, params: object): Promise<string> =>
  (await client.request(method, params)).error.message;
const agents = async (): Promise<Payload> => client.call("agents.list");
const configText = (): string => readFileSync(gateway.services.config.path, "utf8");

describe("agents.create", () => {
  test("adds an agent beside the one there was, which keeps its workspace and what names no agent", async () => {
    const workspace = join(home, "parity-ws");
    const params = { name: "Parity Bot", workspace: "~/parity-ws", emoji: "🦀" };
    expect(await client.call("agents.create", params)).toEqual({
      ok: true,
      agentId: "parity-bot",
      name: "Parity Bot",
      workspace,
    });
    expect(await agents()).toMatchObject({
      defaultId: "main",
      ownership: "explicit",
      selectionRequired: false,
      agents: [
        { id: "main", workspace: join(gateway.stateDir, "workspace") },
        { id: "parity-bot", name: "Parity Bot", identity: { name: "Parity Bot", emoji: "🦀" }, workspace },
      ],
    });
    expect(configText()).toContain("// who may come in");
  });

  test("remembers when a client made an agent until it goes", async () => {
    await client.call("agents.create", { name: "Dated" });
    const origin = { createdVia: "operator", creatorAgentId: null, createdAt: expect.any(Number) };
    const row = async () => (await agents()).agents.find(({ id }: { id: string }) => id === "dated");
    expect(await row()).toMatchObject(origin);
    expect((await agents()).agents[0]).not.toHaveProperty("createdAt");
    gateway.services.config.refresh();
    expect(await row()).toMatchObject(origin);
    await client.call("agents.delete", { agentId: "dated", deleteFiles: false });
    expect(await row()).toBeUndefined();
    expect(await gateway.services.settings.get("agents.created")).not.toHaveProperty("dated");
  });

  test("fills the workspace with the files to start with, for their owner to change", async () => {
    const { files } = await client.call("agents.files.list", { agentId: "parity-bot" });
    expect(files.map((file: Payload) => [file.name, file.missing])).toEqual([
      ["AGENTS.md", false],
      ["SOUL.md", false],
      ["USER.md", false],
      ["BOOTSTRAP.md", false],
      ["MEMORY.md", true],
    ]);
    expect(readFileSync(join(home, "parity-ws", "IDENTITY.md"), "utf8")).toContain(
      "\n- Name: Parity Bot\n- Emoji: 🦀\n- Avatar:\n",
    );
    expect(existsSync(join(home, "parity-ws", ".git"))).toBe(Bun.which("git") !== null);
  });

  test("leaves files that are there as they are", async () => {
    mkdirSync(join(home, "mine"));
    writeFileSync(join(home, "mine", "SOUL.md"), "my own");
    await client.call("agents.create", { name: "Mine", workspace: "~/mine", model: "mock/mock-1" });
    expect(readFileSync(join(home, "mine", "SOUL.md"), "utf8")).toBe("my own");
    expect(readdirSync(join(home, "mine"))).not.toContain("BOOTSTRAP.md");
  });

  test("gives an agent without a workspace its own", async () => {
    const { workspace } = await client.call("agents.create", { name: "Two" });
    expect(workspace).toBe(join(gateway.stateDir, "workspace-two"));
  });

  test("refuses a workspace that cannot be made, and writes nothing then", async () => {
    writeFileSync(join(home, "a-file"), "x");
    expect(await refused("agents.create", { name: "Lost", workspace: "~/a-file/under" })).toBe(
      "the workspace cannot be made (ENOTDIR)",
    );
    expect(await refused("agents.create", { name: "Lost", workspace: "here" })).toBe(
      "workspace must be an absolute path, or start with ~/",
    );
    expect(configText()).not.toContain("Lost");
  });

  test("refuses a name that is taken or says nothing", async () => {
    expect(await refused("agents.create", { name: "main" })).toBe('agent "main" already exists');
    expect(await refused("agents.create", { name: "parity  BOT" })).toBe('agent "parity-bot" already exists');
    expect(await refused("agents.create", { name: "!!" })).toBe(
      'Agent name "!!" has no valid id characters. Use at least one letter a-z or digit.',
    );
  });
});

describe("agents.update", () => {
  test("changes what is named and takes away what is null or empty", async () => {
    const update = { agentId: "parity-bot", name: "New", model: "mock/mock-2", emoji: "", avatar: "a.png" };
    expect(await client.call("agents.update", update)).toEqual({ ok: true, agentId: "parity-bot" });
    const entry = () => gateway.services.agents.find("parity-bot")!.raw;
    const workspace = join(home, "parity-ws");
    const agentDir = join(gateway.services.config.stateDir, "agents", "parity-bot", "agent");
    expect(entry()).toEqual({
      name: "New",
      workspace,
      agentDir,
      model: "mock/mock-2",
      identity: { name: "New", avatar: "a.png" },
    });
    await client.call("agents.update", { agentId: "parity-bot", model: null });
    expect(entry()).toEqual({ name: "New", workspace, agentDir, identity: { name: "New", avatar: "a.png" } });
  });

  test("the agent that was there first stays the one that talk goes to", () => {
    expect((gateway.services.config.current.talk as { agentId?: string }).agentId).toBe("main");
  });

  test("refuses an agent that is not there", async () => {
    expect(await refused("agents.update", { agentId: "ghost", name: "x" })).toBe('agent "ghost" not found');
  });
});

describe("agents.delete", () => {
  test("refuses the agent that answers where none is named, and one that is not there", async () => {
    expect(await refused("agents.delete", { agentId: "main" })).toStartWith('Agent "main" answers where no agent');
    expect(await refused("agents.delete", { agentId: "ghost" })).toBe('agent "ghost" not found');
  });

  test("removes its bindings and conversations, and moves its workspace to the trash", async () => {
    await client.call("sessions.create", { key: "agent:parity-bot:talk" });
    const workspace = join(home, "parity-ws");
    expect(await client.call("agents.delete", { agentId: "parity-bot" })).toEqual({
      ok: true,
      agentId: "parity-bot",
      removedBindings: 1,
      removed: [{ path: workspace, method: "trash" }],
      failed: [],
    });
    expect(existsSync(workspace)).toBe(false);
    expect(existsSync(join(home, ".Trash", "parity-ws", "SOUL.md"))).toBe(true);
    expect(await client.call("sessions.describe", { key: "agent:parity-bot:talk" })).toEqual({ session: null });
    expect(gateway.services.config.current.bindings).toHaveLength(1);
    expect((await agents()).agents.map(({ id }: Payload) => id)).toEqual(["main", "mine", "two"]);
  });

  test("keeps files and conversations when it is told to", async () => {
    const { removed } = await client.call("agents.delete", { agentId: "two", deleteFiles: false });
    expect(removed).toEqual([]);
    expect(existsSync(join(gateway.stateDir, "workspace-two", "SOUL.md"))).toBe(true);
  });

  test("never trashes a folder that holds what is still needed", async () => {
    const ofMain = join(gateway.stateDir, "workspace");
    mkdirSync(ofMain, { recursive: true });
    for (const workspace of [home, gateway.stateDir, "/", ofMain]) {
      gateway.services.configWriter.edit((tree) =>
        withValue(tree, ["agents", "entries", "mine", "workspace"], workspace),
      );
      const { removed, failed } = await client.call("agents.delete", { agentId: "mine" });
      expect(removed).toEqual([]);
      expect(failed).toEqual([{ path: workspace, reason: expect.stringContaining("which is still needed") }]);
      expect(existsSync(workspace)).toBe(true);
      await client.call("agents.create", { name: "Mine", workspace: "~/mine" });
    }
  });

  test("leaves one agent as one agent was", async () => {
    await client.call("agents.delete", { agentId: "mine", deleteFiles: false });
    expect(await agents()).toMatchObject({ ownership: "sole", agents: [{ id: "main" }] });
  });
});

test("only administrators change agents", async () => {
  const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
  for (const method of ["agents.create", "agents.update", "agents.delete"]) {
    const { error } = await writer.request(method, { name: "x", agentId: "main" });
    expect(error.message).toBe("missing scope: operator.admin");
  }
});

test("59: a link that was planted in a workspace is neither followed nor written through", async () => {
  const outside = join(home, "authorized_keys");
  writeFileSync(outside, "only this");
  mkdirSync(join(home, "trap"));
  for (const name of ["IDENTITY.md", "SOUL.md", "AGENTS.md", "USER.md"]) symlinkSync(outside, join(home, "trap", name));
  await client.request("agents.create", { name: "Trapped", workspace: "~/trap", emoji: "x" });
  await client.request("agents.update", { agentId: "trapped", name: "Renamed", emoji: "y" });
  expect(readFileSync(outside, "utf8")).toBe("only this");
  await client.call("agents.delete", { agentId: "trapped", deleteFiles: false });
});
