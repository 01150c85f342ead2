import { afterEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
afterEach(() => gateway.stop());

function plant(root: string, name: string, metadata: string, handler = "handler.js"): void {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "HOOK.md"), `---\nname: ${name}\ndescription: "Says hi"\nmetadata: ${metadata}\n---\n`);
  if (handler !== "") writeFileSync(join(folder, handler), "throw new Error('must not run')");
}

test("hooks.status tells which hooks are there, what they need, and that none is run", async () => {
  gateway = await startTestGateway({
    config: { hooks: { internal: { enabled: true, entries: { off: { enabled: false } } } } } as never,
  });
  const client = await gateway.connect();
  const empty = await client.call("hooks.status");
  expect(empty).toMatchObject({ managedHooksDir: join(gateway.stateDir, "hooks"), hooks: [] });
  const { managedHooksDir, workspaceDir } = empty;
  plant(
    managedHooksDir,
    "needy",
    '{ "openclaw": { "events": ["command:new", "foo:bar"], "requires": { "bins": ["nosuchbin"], "env": ["NOPE"] } } }',
  );
  plant(managedHooksDir, "ready", '{ "openclaw": { "emoji": "x", "events": ["command"] } }', "handler.ts");
  plant(managedHooksDir, "off", '{ "openclaw": { "events": ["command"] } }');
  plant(managedHooksDir, "silent", "{}");
  plant(managedHooksDir, "no-module", '{ "openclaw": { "events": ["command"] } }', "");
  plant(join(workspaceDir, "hooks"), "own", '{ "openclaw": { "events": ["command"] } }');
  const { hooks } = await client.call("hooks.status", { agentId: "main" });
  const shown = hooks.map((hook: Record<string, unknown>) => [
    hook.name,
    hook.source,
    hook.enabledByConfig,
    hook.loadable,
    hook.blockedReason,
  ]);
  expect(shown).toEqual([
    ["needy", "openclaw-managed", true, false, "missing requirements"],
    ["off", "openclaw-managed", false, false, "disabled in config"],
    ["own", "openclaw-workspace", false, false, "workspace hook (disabled by default)"],
    ["ready", "openclaw-managed", true, false, "hook modules are not run by this gateway"],
    ["silent", "openclaw-managed", true, false, "no events defined"],
  ]);
  expect(hooks[0]).toMatchObject({
    unknownEvents: ["foo:bar"],
    missing: { bins: ["nosuchbin"], env: ["NOPE"] },
    requirementsSatisfied: false,
  });
  expect((await client.request("hooks.status", { agentId: "nobody" })).error).toMatchObject({
    code: "INVALID_REQUEST",
    message: 'unknown agent id "nobody"',
  });
  const reader = await gateway.connect({ scopes: ["operator.read"] });
  const read = await reader.call("hooks.status");
  expect(read.hooks.map(({ name }: { name: string }) => name)).toContain("ready");
  expect(JSON.stringify(read)).not.toContain(gateway.stateDir);
});
