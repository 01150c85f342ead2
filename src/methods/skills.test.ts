import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeSpec, type Payload, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
const place = (...parts: string[]): string => join(gateway.stateDir, ...parts);

/** Writes a `SKILL.md` into a folder below the state directory. */
function skill(folder: string, text: string): void {
  mkdirSync(place(folder), { recursive: true });
  writeFileSync(place(folder, "SKILL.md"), text);
}
const simple = (name: string, description = "does things"): string =>
  `---\nname: ${name}\ndescription: ${description}\n---\nbody\n`;

beforeAll(async () => {
  gateway = await startTestGateway({
    config: {
      skills: {
        load: { extraDirs: [] },
        entries: { "alpha-key": { apiKey: "skill-secret-1" }, off: { enabled: false } },
      },
      agents: { entries: { main: {}, picky: { skills: ["managed"] } } },
    } as never,
  });
  client = await gateway.connect();
  skill(
    "workspace-main/skills/alpha",
    `---
name: alpha
description: >
  Alpha
  skill
homepage: https://example.com
user-invocable: false
metadata: {"openclaw": {"emoji": "A", "skillKey": "alpha-key", "primaryEnv": "ALPHA_KEY", "os": ["darwin", "linux"],
  "requires": {"bins": ["sh", "no-such-program"], "anyBins": ["no-such-other", "sh"], "env": ["ALPHA_KEY", "BETA_KEY"],
  "config": ["gateway.auth.token", "browser.nothing"]}, "install": [{"id": "brew", "kind": "brew", "formula": "a"},
  {"kind": "node", "package": "x", "bins": ["no-such-program"]}]}}
---
body
`,
  );
  skill("workspace-main/skills/group/deep/beta", simple("beta"));
  skill(
    "workspace-main/skills/elsewhere",
    `---\nname: other\ndescription: d\nmetadata:\n  openclaw:\n    always: true\n    os: [plan9]\n---\n`,
  );
  skill(
    "workspace-main/skills/colon",
    "---\nname: colon\ndescription: Use when: always\ndisable-model-invocation: true\n---\n",
  );
  skill("workspace-main/skills/nameless", "---\ndescription: has the name of its folder\n---\n");
  skill("workspace-main/skills/headless", "no head at all");
  skill("workspace-main/skills/silent", "---\nname: silent\n---\n");
  skill("workspace-main/.agents/skills/project", simple("project"));
  skill("skills/managed", simple("managed", "shared"));
  skill("skills/beta", simple("beta", "hidden by the one of the workspace"));
  skill("skills/off", simple("off"));
  skill("outside/evil", simple("evil"));
  symlinkSync(place("outside/evil"), place("workspace-main/skills/evil"));
  mkdirSync(place("workspace-main/skills/file"));
  symlinkSync(place("outside/evil/SKILL.md"), place("workspace-main/skills/file/SKILL.md"));
});
afterAll(() => gateway.stop());

const status = async (agentId = "main"): Promise<Payload> => client.call("skills.status", { agentId });
const named = async (name: string, agentId?: string): Promise<Payload> =>
  (await status(agentId)).skills.find((each: Payload) => each.name === name);

describe("skills.status", () => {
  test("finds the skills of each place, the nearest of a name first, by name", async () => {
    const { skills, ...rest } = await status();
    expect(rest).toEqual({
      workspaceDir: place("workspace-main"),
      managedSkillsDir: place("skills"),
      agentId: "main",
    });
    expect(skills.map((each: Payload) => [each.name, each.source])).toEqual([
      ["alpha", "openclaw-workspace"],
      ["beta", "openclaw-workspace"],
      ["colon", "openclaw-workspace"],
      ["managed", "openclaw-managed"],
      ["nameless", "openclaw-workspace"],
      ["off", "openclaw-managed"],
      ["other", "openclaw-workspace"],
      ["project", "agents-skills-project"],
    ]);
  });

  test("says what a skill asks for and what of it is missing", async () => {
    expect(await named("alpha")).toEqual({
      name: "alpha",
      description: "Alpha skill",
      source: "openclaw-workspace",
      bundled: false,
      filePath: place("workspace-main/skills/alpha/SKILL.md"),
      baseDir: place("workspace-main/skills/alpha"),
      skillKey: "alpha-key",
      primaryEnv: "ALPHA_KEY",
      emoji: "A",
      homepage: "https://example.com",
      always: false,
      disabled: false,
      blockedByAllowlist: false,
      blockedByAgentFilter: false,
      eligible: false,
      platformIncompatible: false,
      modelVisible: false,
      userInvocable: false,
      commandVisible: false,
      requirements: {
        bins: ["sh", "no-such-program"],
        anyBins: ["no-such-other", "sh"],
        env: ["ALPHA_KEY", "BETA_KEY"],
        config: ["gateway.auth.token", "browser.nothing"],
        os: ["darwin", "linux"],
      },
      missing: { bins: ["no-such-program"], anyBins: [], env: ["BETA_KEY"], config: ["browser.nothing"], os: [] },
      configChecks: [
        { path: "gateway.auth.token", satisfied: true },
        { path: "browser.nothing", satisfied: false },
      ],
      install: [{ id: "node-1", kind: "node", label: "Install x (npm)", bins: ["no-such-program"] }],
    });
  });

  test("knows what is for another platform, for people alone, switched off, or not for this agent", async () => {
    expect(await named("other")).toMatchObject({ always: true, eligible: false, platformIncompatible: true });
    expect(await named("colon")).toMatchObject({
      description: "Use when: always",
      eligible: true,
      modelVisible: false,
      commandVisible: true,
    });
    expect(await named("off")).toMatchObject({ disabled: true, eligible: false, commandVisible: false });
    expect(await named("managed", "picky")).toMatchObject({ blockedByAgentFilter: false, modelVisible: true });
    expect(await named("beta", "picky")).toMatchObject({ blockedByAgentFilter: true, modelVisible: false });
  });

  test("attack 37: shows no key of a skill, nor whether a value of the configuration is this or that", async () => {
    const text = JSON.stringify(await status());
    expect(text).not.toContain("skill-secret");
    expect(text).not.toContain(gateway.token);
  });

  test("follows no link out of a workspace", async () => {
    expect(await named("evil")).toBeUndefined();
  });

  test("refuses an agent that is not there", async () => {
    const { error } = await client.request("skills.status", { agentId: "ghost" });
    expect(error).toEqual({ code: "INVALID_REQUEST", message: 'unknown agent id "ghost"' });
  });
});

describe("skills.update", () => {
  const update = (params: object) => client.request("skills.update", params);

  test("writes what is set, and takes away what is empty", async () => {
    const set = { skillKey: "beta", enabled: false, apiKey: "beta-secret-1", env: { BETA_KEY: "v", OTHER: "" } };
    expect((await update(set)).payload).toEqual({
      ok: true,
      skillKey: "beta",
      config: { enabled: false, apiKey: "__OPENCLAW_REDACTED__", env: { BETA_KEY: "v" } },
    });
    expect(await named("beta")).toMatchObject({ disabled: true, eligible: false });
    expect(gateway.services.config.current.skills?.entries?.beta?.apiKey).toBe("beta-secret-1");
    const { payload } = await update({ skillKey: "beta", enabled: true, apiKey: "", env: { BETA_KEY: "" } });
    expect(payload.config).toEqual({ enabled: true, env: {} });
    expect(await named("beta")).toMatchObject({ disabled: false, eligible: true });
  });

  test("has nothing of a registry to bring up to date", async () => {
    const ours = { source: "clawhub", agentId: "main" };
    expect((await update({ ...ours, all: true })).payload.config).toEqual({ source: "clawhub", results: [] });
    expect((await update({ ...ours, slug: "x" })).error).toMatchObject({
      code: "UNAVAILABLE",
      message: 'Skill "x" is not tracked as a ClawHub install.',
    });
    const problem = async (params: object): Promise<string> => (await update({ ...ours, ...params })).error.message;
    expect(await problem({})).toBe('clawhub skills.update requires "slug" or "all"');
    expect(await problem({ slug: "x", all: true })).toBe(
      'clawhub skills.update accepts either "slug" or "all", not both',
    );
    expect(await problem({ slug: "x", agentId: "ghost" })).toBe(unknownAgent);
    // Of two agents none is meant.
    expect(await problem({ slug: "x", agentId: undefined })).toBe(
      "Multiple agents are configured, but skills workspace has no explicit owner. Pass agentId to select a configured agent.",
    );
  });
});

const unknownAgent = 'unknown agent id "ghost"';

test("skills.bins tells nodes, and nobody else, which programs skills ask for", async () => {
  const node = await gateway.connect(nodeSpec());
  expect(await node.call("skills.bins")).toEqual({ bins: ["no-such-other", "no-such-program", "sh"] });
  const { error } = await client.request("skills.bins");
  expect(error.message).toBe("unauthorized role: operator");
});
