import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let bare: TestGateway;
let gateway: TestGateway;
let client: TestClient;
let nobody: TestClient;
beforeAll(async () => {
  bare = await startTestGateway();
  nobody = await bare.connect();
  gateway = await startTestGateway({
    config: {
      commands: { ownerAllowFrom: ["telegram:1"] } as never,
      channels: {
        defaults: { groupPolicy: "open" },
        telegram: { botToken: "123456:bot-secret", name: "Bot" },
        slack: { defaultAccount: "team", accounts: { home: { enabled: false }, team: { botToken: "xoxb-secret" } } },
      },
    },
  });
  client = await gateway.connect();
});
afterAll(async () => {
  await bare.stop();
  await gateway.stop();
});

describe("without a channel", () => {
  test("channels.status shows none, and knows none", async () => {
    expect(await nobody.call("channels.status", { probe: true, timeoutMs: 1000 })).toEqual({
      ts: expect.any(Number),
      channelOrder: [],
      channelLabels: {},
      channelDetailLabels: {},
      channelSystemImages: {},
      channelMeta: [],
      eventLoop: expect.objectContaining({ degraded: expect.any(Boolean) }),
      channels: {},
      channelAccounts: {},
      channelDefaultAccountId: {},
      statusIssues: [],
    });
    const { error } = await nobody.request("channels.status", { channel: "telegram" });
    expect(error).toEqual({ code: "INVALID_REQUEST", message: "unknown channel: telegram" });
  });

  test.each(["start", "stop", "logout"])("channels.%s has nothing to do it to", async (verb) => {
    const { error } = await nobody.request(`channels.${verb}`, { channel: "telegram" });
    expect(error).toEqual({ code: "INVALID_REQUEST", message: `invalid channels.${verb} channel` });
  });

  test("nobody waits to be let in", async () => {
    expect(await nobody.call("channels.pairing.list")).toEqual({
      accounts: [],
      requests: [],
      commandOwnerConfigured: false,
      limits: { pendingPerAccount: 3, ttlMs: 3600000 },
    });
    const params = { channel: "telegram", accountId: "default", requestId: "nope" };
    for (const [method, asked] of [
      ["channels.pairing.list", { channel: "telegram" }],
      ["channels.pairing.approve", params],
      ["channels.pairing.dismiss", params],
    ] as const) {
      const { error } = await nobody.request(method, asked);
      expect(error.message).toBe("unknown pairing channel: telegram");
    }
  });

  test.each(["web.login.start", "web.login.wait"])("%s has nobody to sign in with", async (method) => {
    const { error } = await nobody.request(method, { timeoutMs: 1 });
    expect(error).toEqual({ code: "INVALID_REQUEST", message: "web login provider is not available" });
  });
});

describe("a configured channel", () => {
  const reason = (label: string) => `${label} is configured, but this gateway cannot carry its messages yet`;

  test("is shown as not running, with the reason and each of its accounts; what is switched off needs none", async () => {
    const status = await client.call("channels.status");
    expect(status.channelOrder).toEqual(["slack", "telegram"]);
    expect(status.channelMeta[1]).toEqual({ id: "telegram", label: "Telegram", detailLabel: "Telegram" });
    expect(status.channels.telegram).toEqual({ configured: true, running: false, lastError: reason("Telegram") });
    expect(status.channelDefaultAccountId).toEqual({ slack: "team", telegram: "default" });
    const state = { configured: true, running: false, connected: false };
    expect(status.channelAccounts).toEqual({
      slack: [
        { accountId: "home", enabled: false, ...state, lastError: null },
        { accountId: "team", enabled: true, ...state, lastError: reason("Slack") },
      ],
      telegram: [{ accountId: "default", name: "Bot", enabled: true, ...state, lastError: reason("Telegram") }],
    });
    expect((await client.call("channels.status", { channel: "Slack" })).channelOrder).toEqual(["slack"]);
  });

  test("attack 37: is shown without its secrets", async () => {
    expect(JSON.stringify(await client.call("channels.status"))).not.toContain("secret");
  });

  test("cannot be started, is stopped, and has no sign-in to forget", async () => {
    const { error } = await client.request("channels.start", { channel: "telegram" });
    expect(error).toMatchObject({ code: "UNAVAILABLE", message: reason("Telegram") });
    const account = { channel: "slack", accountId: "team" };
    expect(await client.call("channels.stop", { channel: "slack" })).toEqual({ ...account, stopped: true });
    expect(await client.call("channels.logout", { channel: "slack" })).toEqual({ ...account, cleared: false });
    const other = await client.request("channels.stop", { channel: "slack", accountId: "ghost" });
    expect(other.error.message).toBe('channel slack has no account "ghost"');
  });

  test("has nobody who waits, and tells who may let people in", async () => {
    expect(await client.call("channels.pairing.list", { channel: "telegram" })).toMatchObject({
      requests: [],
      commandOwnerConfigured: true,
    });
    const params = { channel: "telegram", accountId: "default", requestId: "nope" };
    const { error } = await client.request("channels.pairing.approve", params);
    expect(error.message).toBe('no pending pairing request "nope"');
    const reader = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    expect((await reader.request("channels.pairing.approve", params)).error.message).toBe(
      "missing scope: operator.pairing",
    );
    const pairing = await gateway.connect({ scopes: ["operator.pairing"] });
    const asOwner = await pairing.request("channels.pairing.approve", { ...params, bootstrapCommandOwner: true });
    expect(asOwner.error.message).toBe("missing scope: operator.admin");
  });
});
