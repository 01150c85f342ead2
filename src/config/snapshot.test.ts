import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { resultProblem } from "../protocol/contract.ts";
import { ConfigFolder } from "./testing.ts";

const SECRETS = {
  token: "gateway-token-value",
  key: "provider-key-value",
  header: "header-value-secret",
  bot: "12345:bot-token-value",
  nested: "deep-plugin-secret",
  variable: "value-of-a-variable",
  password: "url-pass-word",
};

const FULL = `{
  // a comment with nothing in it
  gateway: { port: 1234, auth: { token: '${SECRETS.token}' } },
  models: { providers: { local: {
    baseUrl: 'https://me:${SECRETS.password}@example.org/v1',
    api: 'openai-completions',
    apiKey: '${SECRETS.key}',
    headers: { 'x-own': '${SECRETS.header}' },
    models: [{ id: 'm', name: 'M' }],
  } } },
  channels: { telegram: { botToken: '${SECRETS.bot}', enabled: true, dmPolicy: 'pairing' } },
  plugins: { entries: { voice: { config: { provider: { clientSecret: '${SECRETS.nested}', region: 'eu' } } } } },
  env: { vars: { SOME_NAME: '${SECRETS.variable}' } },
  messages: { responsePrefix: 'copied ${SECRETS.key} here' },
  'x-unknown': { alias: '${SECRETS.token}' },
}`;

describe("attack 37: no secret in any copy", () => {
  test("that config.get shows, neither as it is nor in base64", async () => {
    using folder = new ConfigFolder({ "openclaw.json": FULL });
    const shown = (await folder.load()).snapshot();
    const text = JSON.stringify(shown);
    for (const secret of Object.values(SECRETS)) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""));
    }
    expect(text).not.toContain("a comment");
    for (const copy of ["parsed", "sourceConfig", "resolved", "runtimeConfig", "config"] as const) {
      expect(shown[copy] as unknown).toMatchObject({
        gateway: { port: 1234, auth: { token: "__OPENCLAW_REDACTED__" } },
        models: { providers: { local: { baseUrl: "__OPENCLAW_REDACTED__", apiKey: "__OPENCLAW_REDACTED__" } } },
        channels: { telegram: { botToken: "__OPENCLAW_REDACTED__", enabled: true, dmPolicy: "pairing" } },
        plugins: {
          entries: { voice: { config: { provider: { clientSecret: "__OPENCLAW_REDACTED__", region: "eu" } } } },
        },
        messages: { responsePrefix: "__OPENCLAW_REDACTED__" },
        "x-unknown": { alias: "__OPENCLAW_REDACTED__" },
      });
    }
    expect(shown.raw).toBeNull();
  });

  test("of a value that came from the environment; in the file's own text the reference stays", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ gateway: { auth: { token: '${TOKEN_X}' } } }" });
    const { parsed, resolved, config } = (await folder.load({ env: { TOKEN_X: "resolved-token" } })).snapshot();
    expect(parsed).toEqual({ gateway: { auth: { token: "${TOKEN_X}" } } });
    expect(resolved).toMatchObject({ gateway: { auth: { token: "__OPENCLAW_REDACTED__" } } });
    expect(JSON.stringify(config)).not.toContain("resolved-token");
  });

  test("of a reference only its kind is shown", async () => {
    const apiKey = "{ source: 'env', provider: 'default', id: 'VAULT_PLACE' }";
    using folder = new ConfigFolder({ "openclaw.json": `{ models: { providers: { p: { apiKey: ${apiKey} } } } }` });
    const { config } = (await folder.load()).snapshot();
    expect(config).toMatchObject({
      models: { providers: { p: { apiKey: { source: "env", provider: "default", id: "__OPENCLAW_REDACTED__" } } } },
    });
  });

  test("in what is said about a broken file", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{}" });
    const config = await folder.load();
    folder.write("openclaw.json", `{ gateway: { auth: { token: ['${SECRETS.token}'] } } }`);
    expect(JSON.stringify(config.snapshot())).not.toContain(SECRETS.token);
  });
});

describe("the shape", () => {
  test("with defaults that upstream shows, the agent main, and the api of each model", async () => {
    using folder = new ConfigFolder({ "openclaw.json": FULL });
    const { config, resolved, sourceConfig, parsed, runtimeConfig } = (await folder.load()).snapshot();
    expect(config).toMatchObject({
      agents: { entries: { main: {} }, defaults: { maxConcurrent: 8, compaction: { mode: "safeguard" } } },
      commands: { native: "auto" },
      messages: { ackReactionScope: "group-mentions" },
      models: { providers: { local: { models: [{ id: "m", api: "openai-completions" }] } } },
    });
    expect(config).not.toHaveProperty("gateway.bind");
    expect(resolved).toMatchObject({ agents: { entries: { main: {} } } });
    expect(sourceConfig).toHaveProperty("agents");
    expect(parsed).not.toHaveProperty("agents");
    expect(runtimeConfig).toEqual(config);
  });

  test("keeps to its spec, and says where includes are", async () => {
    using folder = new ConfigFolder({
      "openclaw.json": "{ agents: { $include: 'a', defaults: {} }, bindings: [{ $include: ['b'] }], unknown: 1 }",
      a: "{ entries: { one: {} } }",
      b: "{ agentId: 'one', match: { channel: 'x' } }",
    });
    const shown = (await folder.load()).snapshot();
    expect(resultProblem("config.get", JSON.parse(JSON.stringify(shown)))).toBeNull();
    const [a, b] = [join(folder.folder, "a"), join(folder.folder, "b")];
    expect(shown).toMatchObject({ includedPaths: [a, b], agentRosterIncludeOwned: true, bindingsIncludeOwned: true });
    expect(shown.includeProvenance).toEqual([
      { path: ["agents"], kind: "single", hasSiblingOverrides: true, hasArrayAncestor: false, targetPaths: [a] },
      { path: ["bindings", 0], kind: "multiple", hasSiblingOverrides: false, hasArrayAncestor: true, targetPaths: [b] },
    ]);
    expect(shown.warnings).toEqual([{ path: "unknown", message: "line 1: unknown key, kept but without effect" }]);
    expect(shown).toMatchObject({ valid: true, issues: [], exists: true });
  });

  test("without a file", async () => {
    using folder = new ConfigFolder();
    const shown = (await folder.load()).snapshot();
    expect(shown).toMatchObject({
      exists: false,
      valid: true,
      parsed: {},
      sourceConfig: { agents: { entries: { main: {} } } },
    });
    expect(shown.appliedConfigHash).toBe(shown.configRevisionHash);
  });
});

describe("the file as it is now", () => {
  test("a changed one is shown, although it is not yet in force", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ gateway: { port: 1 } }" });
    const config = await folder.load();
    const before = config.snapshot();
    expect(before.appliedConfigHash).toBe(before.configRevisionHash);
    folder.write("openclaw.json", "{ gateway: { port: 22 } }");
    const after = config.snapshot();
    expect(after.parsed).toEqual({ gateway: { port: 22 } });
    expect(after.hash).not.toBe(before.hash);
    expect(after.appliedConfigHash).toBe(before.appliedConfigHash);
    expect(after.configRevisionHash).not.toBe(before.configRevisionHash);
  });

  test("one that means the same in other words has another hash and the same revision", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ gateway: { port: 1, bind: 'lan' } }" });
    const config = await folder.load();
    const before = config.snapshot();
    folder.write("openclaw.json", "{ /* the same */ gateway: { bind: 'lan', port: 1 } }");
    const after = config.snapshot();
    expect(after.hash).not.toBe(before.hash);
    expect(after.configRevisionHash).toBe(before.configRevisionHash);
  });

  test("one that cannot be used shows its hash and its faults alone", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ gateway: { port: 1 } }" });
    const config = await folder.load();
    const before = config.snapshot();
    folder.write("openclaw.json", "{\n gateway: { port: 'x' } }");
    const broken = config.snapshot();
    expect(broken).toMatchObject({ valid: false, parsed: null, config: {}, resolved: {}, sourceConfig: {} });
    expect(broken.issues).toEqual([
      { path: "gateway.port", message: "line 2: must be a whole number from 0 to 65535, not text" },
    ]);
    expect(broken.hash).not.toBe(before.hash);
    expect(broken).toMatchObject({ configRevisionHash: null, appliedConfigHash: before.appliedConfigHash });
    expect(resultProblem("config.get", JSON.parse(JSON.stringify(broken)))).toBeNull();
  });
});
