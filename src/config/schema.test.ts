import { describe, expect, test } from "bun:test";
import { configKeys } from "../../generated/config.ts";
import { checkTree } from "./check.ts";
import { redactTree } from "./redact.ts";
import { configSchema, lookUpSchema } from "./schema.ts";

type Node = { properties?: Record<string, Node>; [key: string]: unknown };

describe("config.schema", () => {
  const { schema, uiHints, generatedAt } = configSchema("2026.9.6", 0);

  test("describes every section, with the group and the place of each", () => {
    const { properties } = schema as Node;
    expect(generatedAt).toBe("1970-01-01T00:00:00.000Z");
    expect(Object.keys(properties!)).toContain("gateway");
    expect(uiHints.gateway).toMatchObject({ group: "Gateway", order: 30, advanced: true });
    expect(properties!.gateway!.properties!.port).toMatchObject({ type: "integer", maximum: 65535 });
    for (const [path, hint] of Object.entries(uiHints)) {
      expect([path, typeof hint.advanced]).toEqual([path, "boolean"]);
    }
  });

  test("marks secrets, and lets a reference stand in their place", () => {
    expect(uiHints["gateway.auth.token"]).toMatchObject({ sensitive: true, advanced: false });
    expect(uiHints["models.providers.*.apiKey"]).toMatchObject({ sensitive: true });
    expect((schema as Node).properties!.gateway!.properties!.auth!.properties!.token!.anyOf).toHaveLength(2);
  });

  test("puts the values of an enum among other alternatives together, as the page draws them, and says what is usual", () => {
    const { commands, messages } = (schema as Node).properties!;
    const auto = { type: "string", const: "auto" };
    expect(commands!.properties!.native).toMatchObject({ default: "auto", anyOf: [auto, { type: "boolean" }] });
    expect(messages!.properties!.visibleReplies!.anyOf).toEqual([
      { type: "string", enum: ["automatic", "message_tool"] },
      { type: "boolean" },
    ]);
  });

  test("spells short forms in the labels that it makes of keys", () => {
    expect(uiHints["channels.telegram.dmPolicy"]!.label).toBe("DM Policy");
    expect(uiHints["commands.mcp"]!.label).toBe("MCP");
    expect(uiHints["channels.discord.applicationId"]!.label).toBe("Application ID");
    expect(uiHints["commands.bash"]!.label).toBeUndefined();
  });

  test("has the keys of channels, and the same again for each of their accounts", () => {
    const { telegram, nostr, defaults } = (schema as Node).properties!.channels!.properties!;
    const { accounts, ...own } = telegram!.properties!;
    expect(own.dmPolicy).toMatchObject({ default: "pairing", description: expect.any(String) });
    expect(Object.keys((accounts!.additionalProperties as Node).properties!)).toEqual(
      Object.keys(own).filter((name) => name !== "defaultAccount"),
    );
    expect(nostr!.properties).not.toHaveProperty("accounts");
    expect(defaults!.properties).toHaveProperty("groupPolicy");
    for (const path of ["channels.telegram.botToken", "channels.telegram.accounts.*.botToken"]) {
      expect(uiHints[path]).toMatchObject({ sensitive: true, advanced: false, help: expect.any(String) });
    }
    expect(uiHints["channels.telegram.streaming.mode"]).toMatchObject({ advanced: true });
  });

  test("offers nothing that is only read from old files", () => {
    expect((schema as Node).properties!.agents!.properties!.list).toBeUndefined();
    expect(Object.keys(uiHints).filter((path) => path.startsWith("agents.list"))).toEqual([]);
  });
});

describe("config.schema.lookup", () => {
  test("finds the entries of maps by name, the elements of lists by number or brackets", () => {
    expect(lookUpSchema("agents.entries.main")).toMatchObject({
      path: "agents.entries.main",
      hintPath: "agents.entries.*",
      schema: { type: "object" },
    });
    expect(lookUpSchema("models.providers.mock.models[]").path).toBe("models.providers.mock.models.*");
    const name = lookUpSchema("models.providers.mock.models[0].name");
    expect(name).toMatchObject({
      path: "models.providers.mock.models.0.name",
      hintPath: "models.providers.*.models.*.name",
    });
  });

  test("shows the children of a key in short, and of the whole", () => {
    const { schema, children } = lookUpSchema("gateway.auth");
    expect(schema).not.toHaveProperty("properties");
    expect(children.find(({ key }) => key === "mode")).toMatchObject({
      path: "gateway.auth.mode",
      hasChildren: false,
      reloadKind: "restart",
    });
    expect(lookUpSchema(".").children.map(({ key }) => key)).toContain("gateway");
  });

  test.each(["nope", "__proto__", "gateway/auth", "gateway.auth.mode.x", "agents.list[]", "tools.deny.x"])(
    "knows no %s",
    (path) => {
      expect(() => lookUpSchema(path)).toThrow("config schema path not found");
    },
  );
});

describe("keys of channels", () => {
  const complaints = (channels: object): string[] =>
    checkTree({ channels }, configKeys()).map(({ path, reason }) => `${path.join(".")} ${reason}`);

  test("take what upstream's channels take", () => {
    const telegram = {
      botToken: { source: "env", id: "TELEGRAM" },
      allowFrom: ["1", 2],
      capabilities: { inlineButtons: "dm" },
      groups: { "-1": { requireMention: false, topics: { 7: { agentId: "main" } } } },
      accounts: { second: { botToken: "2:x", dmPolicy: "open" } },
      defaultAccount: "second",
    };
    const slack = { mode: "socket", botToken: "xoxb", appToken: "xapp", channels: { C1: { requireMention: true } } };
    expect(
      complaints({ telegram, slack, "of-somebody": { anything: [1] }, defaults: { groupPolicy: "open" } }),
    ).toEqual([]);
  });

  test("complain of what is of another kind, but let the gateway start with what another release wrote", () => {
    const [finding] = checkTree({ channels: { slack: { streaming: "partial" } } }, configKeys());
    expect(finding).toMatchObject({ path: ["channels", "slack", "streaming"], fatal: false });
    expect(checkTree({ channels: [] }, configKeys())[0]).toMatchObject({ fatal: true });
  });

  test("refuse what is of another kind, and say what they do not know", () => {
    expect(complaints({ telegram: { enabled: "yes" } })).toEqual([
      "channels.telegram.enabled must be true or false, not text",
    ]);
    expect(complaints({ telegram: { accounts: { a: { botTokn: "x" } } } })).toEqual([
      "channels.telegram.accounts.a.botTokn unknown key, kept but without effect",
    ]);
  });

  test("hide credentials under every name that a channel has for them", () => {
    const shown = JSON.stringify(
      redactTree(
        {
          channels: {
            telegram: { botToken: "hidden-1", accounts: { a: { webhookSecret: "hidden-2" } } },
            matrix: { accessToken: "hidden-3", password: "hidden-4" },
            feishu: { appSecret: "hidden-5", encryptKey: "hidden-6" },
            nostr: { privateKey: "hidden-7" },
            "of-somebody": { botToken: "hidden-8" },
          },
        },
        [],
      ),
    );
    expect(shown).not.toContain("hidden-");
  });
});
