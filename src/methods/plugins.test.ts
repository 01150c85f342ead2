import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestGateway, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { useTemporaryHome } from "../platform/testing-home.ts";

useTemporaryHome();
let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway({
    config: { channels: { telegram: { botToken: "123456:bot-secret" } }, plugins: { entries: { "voice-call": {} } } },
  });
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

const part = async (id: string): Promise<any> =>
  (await client.call("plugins.list")).plugins.find((each: any) => each.id === id);
const file = () => gateway.services.config.current.plugins as any;
const switchTo = (pluginId: string, enabled: boolean) => client.call("plugins.setEnabled", { pluginId, enabled });

test("plugins.list says what is built in, what is not there and why, and what no gateway of this kind has", async () => {
  const { plugins, diagnostics, mutationAllowed } = await client.call("plugins.list");
  expect(mutationAllowed).toBe(true);
  expect(plugins.find(({ id }: any) => id === "anthropic")).toMatchObject({
    name: "Anthropic",
    origin: "bundled",
    category: "provider",
    installed: true,
    enabled: true,
    state: "enabled",
    removable: false,
    runtime: { state: "active" },
  });
  expect(plugins.find(({ id }: any) => id === "discord")).toMatchObject({ installed: false, state: "not-installed" });
  const telegram = { installed: false, enabled: false, state: "error", error: expect.stringContaining("Telegram") };
  expect(plugins.find(({ id }: any) => id === "telegram")).toMatchObject({ ...telegram, channelIds: ["telegram"] });
  expect(diagnostics).toEqual([
    { level: "warn", pluginId: "voice-call", message: expect.stringContaining('"voice-call"') },
  ]);
  expect(JSON.stringify(plugins)).not.toContain("bot-secret");
});

test("a channel is installed as soon as its transport is attached, and follows its configuration", async () => {
  const port = gateway.services.outbound.port("discord");
  const detach = [
    gateway.services.outbound.attach({ ...port, id: "discord" }),
    gateway.services.outbound.attach({ ...port, id: "telegram" }),
  ];
  expect(await part("telegram")).toMatchObject({ installed: true, enabled: true, state: "enabled" });
  expect(await part("discord")).toMatchObject({ installed: true, enabled: false, state: "disabled" });
  await switchTo("telegram", false);
  expect(await part("telegram")).toMatchObject({ enabled: false, state: "disabled" });
  expect((await client.call("channels.status")).channelAccounts.telegram[0].enabled).toBe(false);
  await switchTo("telegram", true);
  expect((await client.call("channels.status")).channelAccounts.telegram[0].enabled).toBe(true);
  for (const end of detach) end();
});

test("switching a provider off takes it out of use at once, is written down, and is told", async () => {
  const providers = () => [...gateway.services.models.providers().keys()];
  expect(providers()).toContain("groq");
  const before = (await client.call("plugins.list")).generation;
  const { plugin, restartRequired, runtime } = await switchTo(" Groq ", false);
  expect(plugin).toMatchObject({ id: "groq", enabled: false, state: "disabled" });
  expect({ restartRequired, pluginIds: runtime.pluginIds }).toEqual({ restartRequired: false, pluginIds: ["groq"] });
  await client.event("plugins.changed", ({ generation }) => generation === before + 1, 0);
  expect(file().entries.groq).toEqual({ enabled: false });
  expect(providers()).not.toContain("groq");
  await switchTo("groq", true);
  expect(providers()).toContain("groq");
  expect((await client.call("plugins.list")).generation).toBe(before + 2);
});

test("a speech service that is switched off is not offered", async () => {
  const ids = async () => (await client.call("tts.providers")).providers.map(({ id }: any) => id);
  expect(await ids()).toContain("xai");
  await switchTo("xai", false);
  expect(await ids()).not.toContain("xai");
  expect((await client.request("tts.setProvider", { provider: "xai" })).error.message).toContain("Invalid provider");
  await switchTo("xai", true);
});

test("nobody knows the methods of a part that is switched off", async () => {
  await switchTo("browser", false);
  const call = { method: "GET", path: "/" };
  const unknown = { code: "INVALID_REQUEST", message: "unknown method: browser.request" };
  expect((await client.request("browser.request", call)).error).toEqual(unknown);
  expect((await client.call("plugins.uiDescriptors")).methods).not.toContain("browser.request");
  const other = await gateway.open();
  expect((await other.hello({ auth: { token: gateway.token } })).features.methods).not.toContain("browser.request");
  other.close();
  await switchTo("browser", true);
  expect((await client.request("browser.request", call)).error.message).not.toContain("unknown method");
  expect((await client.call("plugins.uiDescriptors")).methods).toContain("browser.request");
});

test("what the operator forbids in another way stays off", async () => {
  const { config } = gateway.services;
  const refused = async (plugins: object) => {
    gateway.services.configWriter.edit((tree) => ({ ...tree, plugins }) as typeof tree);
    const { error } = await client.request("plugins.setEnabled", { pluginId: "openai", enabled: true });
    return error?.message;
  };
  expect(await refused({ deny: ["openai"] })).toBe('plugin "openai" could not be enabled (blocked by denylist)');
  expect(await refused({ enabled: false })).toBe('plugin "openai" could not be enabled (plugins disabled)');
  expect((await client.call("plugins.list")).plugins.some(({ enabled }: any) => enabled)).toBe(false);
  // An allowlist is opened for it, as upstream does.
  expect(await refused({ allow: ["browser"] })).toBeUndefined();
  expect(config.current.plugins?.allow).toEqual(["browser", "openai"]);
  const on = (await client.call("plugins.list")).plugins.filter(({ enabled }: any) => enabled);
  expect(on.map(({ id }: any) => id)).toEqual(["browser", "openai"]);
  await refused({});
});

test("nothing is installed, and nothing that is built in goes away", async () => {
  const refusal = async (method: string, params: object) => (await client.request(method, params)).error;
  const before = file();
  expect(await refusal("plugins.install", { source: "npm", spec: "left-pad" })).toMatchObject({
    code: "UNAVAILABLE",
    details: { pluginInstallRejected: true },
  });
  expect(await refusal("plugins.install", { source: "bundled", pluginId: "openai" })).toMatchObject({
    message: "openai is built in; enable it instead",
  });
  for (const pluginId of ["voice-call", "discord", "nonesuch"]) {
    expect((await refusal("plugins.setEnabled", { pluginId, enabled: true })).message).toStartWith(
      `plugin not installed: ${pluginId}`,
    );
    expect((await refusal("plugins.uninstall", { pluginId })).message).toBe(`Plugin not found: ${pluginId}`);
  }
  expect(file()).toEqual(before);
});

test("the catalogue of the page holds what is built in, and finds it by words and shelves", async () => {
  const { items } = await client.call("plugins.catalog.browse", { intent: "all", pageSize: 100 });
  const ids = items.map(({ local }: any) => local.pluginId);
  expect(ids).toContain("anthropic");
  expect(ids).not.toContain("discord");
  const found = await client.call("plugins.catalog.browse", { query: "ANTHROPIC models", category: "models" });
  expect(found.items.map(({ local }: any) => local.pluginId)).toEqual(["anthropic"]);
  const { plugin } = await client.call("plugins.catalog.get", { id: found.items[0].id });
  expect(plugin.local).toEqual(found.items[0].local);
});

test("the page of a plugin that does not exist cannot be reported as started", async () => {
  const page = await gateway.connect({
    client: { id: "openclaw-control-ui", version: "1", platform: "web", mode: "webchat" },
    identity: new TestDevice(),
    headers: { Origin: gateway.httpUrl },
  });
  const report = { pluginId: "x", revision: "r", status: "activated" };
  expect((await client.request("plugins.controlUi.report", report)).error.message).toContain("connected Control UI");
  expect((await page.request("plugins.controlUi.report", report)).ok).toBe(false);
  page.close();
});

test("the credential of a search provider is told by its kind and never by its value", async () => {
  const ref = { source: "env", provider: "default", id: "NO_SUCH_KEY" };
  const entry = (apiKey: unknown) => ({ config: { webSearch: { apiKey } } });
  const other = await startTestGateway({
    config: { plugins: { entries: { brave: entry("brave-secret-0123456789"), tavily: entry(ref) } } },
  });
  try {
    const admin = await other.connect();
    const { hash } = await admin.call("config.get");
    const inspect = (pluginId: string, extra: object = {}) => {
      const path = ["plugins", "entries", pluginId, "config", "webSearch", "apiKey"];
      return admin.call("plugins.credentials.inspect", { pluginId, path, baseHash: hash, ...extra });
    };
    expect(await inspect("exa")).toEqual({ baseHash: hash, credential: { kind: "missing" } });
    const shown = { source: "env", provider: "default" };
    expect(await inspect("tavily")).toMatchObject({ credential: { kind: "reference", ref: shown } });
    expect(await inspect("brave", { reveal: true })).toEqual({ baseHash: hash, credential: { kind: "literal" } });
    await expect(inspect("openai")).rejects.toThrow("does not declare that credential field");
    await expect(inspect("exa", { baseHash: "old" })).rejects.toThrow("Configuration changed");
  } finally {
    await other.stop();
  }
});
