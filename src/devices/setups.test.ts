import { afterEach, describe, expect, test } from "bun:test";
import { authOf, CLI, pairLocally, payloadOf, REMOTE, refusal, startProxied } from "../gateway/auth/testing.ts";
import { type ConnectSpec, nodeSpec, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(
  ...options: Parameters<typeof startProxied>
): Promise<{ gateway: TestGateway; admin: TestClient }> {
  const gateway = await startProxied(...options);
  ends.push(() => gateway.stop());
  return { gateway, admin: await gateway.connect() };
}

interface Setup {
  setupId: string;
  url: string;
  bootstrapToken: string;
  expiresAtMs: number;
}

async function setup(admin: TestClient, params: Record<string, unknown> = {}): Promise<Setup> {
  const answer = await admin.call("device.pair.setupCode", { publicUrl: "wss://gate.example", ...params });
  return { setupId: answer.setupId, ...JSON.parse(Buffer.from(answer.setupCode, "base64url").toString()) };
}

const phone = (bootstrapToken: string, identity = new TestDevice(), more: ConnectSpec = {}): ConnectSpec => ({
  role: "node",
  client: { id: "openclaw-ios", mode: "node", platform: "iOS 18.1", deviceFamily: "iPhone", displayName: "Phone" },
  identity,
  auth: { bootstrapToken },
  headers: REMOTE,
  ...more,
});
const INVALID = "AUTH_BOOTSTRAP_TOKEN_INVALID";
const codeOf = async (gateway: TestGateway, spec: ConnectSpec) => (await refusal(gateway, spec)).error.details?.code;

const LIMITED = [
  "operator.approvals",
  "operator.questions",
  "operator.read",
  "operator.talk.secrets",
  "operator.write",
];

describe("a phone with a setup code", () => {
  test.each([
    [undefined, "full", ["operator.admin", ...LIMITED]],
    ["limited", "limited", LIMITED],
  ] as const)(
    "of kind %s comes in as node and gets an operator's token besides",
    async (bootstrapProfile, access, scopes) => {
      const clock = new ManualClock();
      const { gateway, admin } = await start({}, { clock });
      const { bootstrapToken, setupId } = await setup(admin, { ...(bootstrapProfile && { bootstrapProfile }) });
      const identity = new TestDevice();
      const auth = await authOf(gateway, phone(bootstrapToken, identity));
      const issuedAtMs = clock.now();
      expect(auth).toEqual({
        method: "bootstrap-token",
        role: "node",
        scopes: [],
        deviceToken: expect.any(String),
        issuedAtMs,
        deviceTokens: [{ deviceToken: expect.any(String), role: "operator", scopes: [...scopes], issuedAtMs }],
      });
      const completion = { setupId, deviceId: identity.id, deviceName: "Phone", access, ts: issuedAtMs };
      expect(await payloadOf(admin, "device.pair.setup.completed")).toEqual(completion);
      expect(await admin.call("device.pair.setupStatus", { setupId })).toEqual({ completion });
      const [{ deviceToken }] = auth.deviceTokens as [{ deviceToken: string }];
      const operator = phone("", identity, { role: "operator", scopes: ["operator.read"], auth: { deviceToken } });
      expect((await authOf(gateway, operator)).method).toBe("device-token");
      expect((await admin.call("device.pair.list")).paired[0]).toMatchObject({
        approvedVia: "bootstrap",
        roles: ["node", "operator"],
        scopes: [...scopes],
      });
    },
  );

  test("that is for nodes gets a node's token alone", async () => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin, { bootstrapProfile: "node" });
    const spec = { ...nodeSpec(), auth: { bootstrapToken }, headers: REMOTE };
    const auth = await authOf(gateway, spec);
    expect(Object.keys(auth).sort()).toEqual(["deviceToken", "issuedAtMs", "method", "role", "scopes"]);
  });

  test("stands for the approval of what the node declares first, and of nothing later", async () => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin, { bootstrapProfile: "node" });
    const identity = new TestDevice();
    const host = { ...nodeSpec(identity), headers: REMOTE };
    const { deviceToken } = await authOf(gateway, { ...host, commands: ["system.run"], auth: { bootstrapToken } });
    const node = () => admin.call("node.describe", { nodeId: identity.id });
    expect(await node()).toMatchObject({ approvalState: "approved", commands: ["system.run"] });
    await authOf(gateway, { ...host, commands: ["system.run", "browser.proxy"], auth: { deviceToken } });
    expect(await node()).toMatchObject({ approvalState: "pending-reapproval", commands: ["system.run"] });
    const { pending } = await admin.call("node.pair.list");
    expect(pending[0].commands).toEqual(["system.run", "browser.proxy"]);
  });
});

describe("22: a setup code", () => {
  test("works once", async () => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin);
    const identity = new TestDevice();
    await authOf(gateway, phone(bootstrapToken, identity));
    expect(await codeOf(gateway, phone(bootstrapToken, identity))).toBe(INVALID);
    expect(await codeOf(gateway, phone(bootstrapToken))).toBe(INVALID);
  });

  test("works once also when two use it at the same moment", async () => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin);
    const identity = new TestDevice();
    const tries = [phone(bootstrapToken, identity), phone(bootstrapToken, identity), phone(bootstrapToken)];
    const outcomes = await Promise.allSettled(tries.map((spec) => authOf(gateway, spec)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("belongs to the first device and role that show it, also while they wait for an approval", async () => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin);
    const identity = new TestDevice();
    const stranger = { ...nodeSpec(identity), auth: { bootstrapToken }, headers: REMOTE };
    const { error } = await refusal(gateway, stranger);
    expect(error.details).toMatchObject({
      code: "PAIRING_REQUIRED",
      recommendedNextStep: "wait_then_retry",
      retryable: true,
      pauseReconnect: false,
    });
    expect(await codeOf(gateway, phone(bootstrapToken))).toBe(INVALID);
    expect(await codeOf(gateway, { ...stranger, role: "operator", scopes: [] })).toBe(INVALID);
    await admin.call("device.pair.approve", { requestId: error.details?.requestId });
    expect(await authOf(gateway, stranger)).toMatchObject({ method: "bootstrap-token", role: "node" });
    expect(await codeOf(gateway, stranger)).toBe(INVALID);
  });

  test.each([
    ["scopes of a node", { scopes: ["operator.admin"] }],
    ["pairing", { role: "operator", scopes: ["operator.pairing"] }],
    ["more than limited access", { role: "operator", scopes: ["operator.admin"] }],
  ])("gives nobody %s", async (_name, more) => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin, { bootstrapProfile: "limited" });
    expect(await codeOf(gateway, phone(bootstrapToken, new TestDevice(), more))).toBe(INVALID);
  });

  test("for nodes makes no operator", async () => {
    const { gateway, admin } = await start();
    const { bootstrapToken } = await setup(admin, { bootstrapProfile: "node" });
    const spec = phone(bootstrapToken, new TestDevice(), { role: "operator", scopes: [] });
    expect(await codeOf(gateway, spec)).toBe(INVALID);
  });

  test("ends after ten minutes", async () => {
    const clock = new ManualClock();
    const { gateway, admin } = await start({}, { clock });
    const { bootstrapToken, expiresAtMs } = await setup(admin);
    expect(expiresAtMs).toBe(clock.now() + 600_000);
    clock.advance(600_000);
    expect(await codeOf(gateway, phone(bootstrapToken))).toBe(INVALID);
  });

  test("does not raise a device that is paired already, nor hand out a token that allows more than it", async () => {
    const { gateway, admin } = await start();
    const identity = new TestDevice();
    const client = { id: "openclaw-ios", mode: "node", platform: "iOS 18.1", deviceFamily: "iPhone" };
    await authOf(gateway, { client, identity, role: "node" });
    await authOf(gateway, { client, identity, scopes: ["operator.admin"] });
    const { bootstrapToken } = await setup(admin, { bootstrapProfile: "limited" });
    const auth = await authOf(gateway, phone(bootstrapToken, identity));
    expect(auth).not.toHaveProperty("deviceTokens");
    const other = new TestDevice();
    await pairLocally(gateway, other);
    const second = await setup(admin);
    const spec = {
      ...nodeSpec(other),
      client: { ...CLI },
      auth: { bootstrapToken: second.bootstrapToken },
      headers: REMOTE,
    };
    expect((await refusal(gateway, spec)).error.details).toMatchObject({ reason: "role-upgrade" });
  });
});

describe("23: what a setup code holds", () => {
  test("is the address, a token of its own, and when it ends", async () => {
    const { gateway, admin } = await start();
    const answer = await admin.call("device.pair.setupCode", { publicUrl: "https://gate.example:8443/path" });
    const text = Buffer.from(answer.setupCode, "base64url").toString();
    expect(Object.keys(JSON.parse(text)).sort()).toEqual(["bootstrapToken", "expiresAtMs", "url"]);
    expect(text).not.toContain(gateway.token);
    expect(answer).toMatchObject({
      gatewayUrl: "wss://gate.example:8443/path",
      auth: "token",
      urlSource: "request.publicUrl",
      access: "full",
    });
  });

  test("is for administrators to make and to ask about", async () => {
    const { gateway } = await start();
    const manager = await gateway.connect({ scopes: ["operator.pairing"] });
    for (const [method, params] of [
      ["device.pair.setupCode", {}],
      ["device.pair.setupStatus", { setupId: "x" }],
    ] as const) {
      expect((await manager.request(method, params)).error.message).toBe("missing scope: operator.admin");
    }
  });

  test.each([
    ["ws://127.0.0.1:1", "ws://127.0.0.1:1", "full", undefined],
    ["ws://192.168.1.5:5", "ws://192.168.1.5:5", "limited", true],
    ["http://10.0.0.1:9", "ws://10.0.0.1:9", "limited", true],
    ["ws://box.local:9", "ws://box.local:9", "limited", true],
    ["wss://gate.example", "wss://gate.example", "full", undefined],
  ])("for %s", async (publicUrl, gatewayUrl, access, accessDowngraded) => {
    const { admin } = await start();
    const answer = await admin.call("device.pair.setupCode", { publicUrl });
    expect([answer.gatewayUrl, answer.access, answer.accessDowngraded]).toEqual([gatewayUrl, access, accessDowngraded]);
  });

  test.each([
    ["ws://gate.example", "encrypted"],
    ["ws://100.64.1.1:9", "encrypted"],
    ["gate.example", "encrypted"],
    ["ftp://10.0.0.1:9", "invalid"],
    ["not a url !!", "invalid"],
    ["wss://user:secret@gate.example", "invalid"],
  ])("is not made for %s", async (publicUrl, word) => {
    const { admin } = await start();
    const { error } = await admin.request("device.pair.setupCode", { publicUrl });
    expect(error.code).toBe("INVALID_REQUEST");
    expect(error.message).toContain(word);
    expect(error.message).not.toContain("secret");
  });

  test("needs an address that a device elsewhere can reach", async () => {
    const { admin } = await start();
    expect((await admin.request("device.pair.setupCode", {})).error.message).toContain("only bound to loopback");
    const configured = await start({ remote: { url: "wss://remote.example" } });
    const answer = await configured.admin.call("device.pair.setupCode", { preferRemoteUrl: true });
    expect(answer).toMatchObject({ gatewayUrl: "wss://remote.example", urlSource: "gateway.remote.url" });
  });
});

test("a code that nobody used, or that does not exist, has no outcome", async () => {
  const { admin } = await start();
  const { setupId } = await setup(admin);
  expect(await admin.call("device.pair.setupStatus", { setupId })).toEqual({});
  expect(await admin.call("device.pair.setupStatus", { setupId: "nobody" })).toEqual({});
});

test("credentials that went out to a socket that was gone are reported as uncertain", async () => {
  const { gateway, admin } = await start();
  const { bootstrapToken, setupId } = await setup(admin);
  const { health } = gateway.services;
  const snapshot = health.snapshot.bind(health);
  const gone = await gateway.open({ headers: REMOTE });
  // Hello is about to go out when the phone hangs up.
  health.snapshot = async () => {
    health.snapshot = snapshot;
    gone.close();
    await gone.ended();
    return snapshot();
  };
  await gone.hello({ ...phone(bootstrapToken), headers: undefined }).catch(() => {});
  expect(await payloadOf(admin, "device.pair.setup.deliveryUncertain")).toMatchObject({ setupId, access: "full" });
  expect(await admin.call("device.pair.setupStatus", { setupId })).toMatchObject({ deliveryUncertain: { setupId } });
  expect(admin.events("device.pair.setup.completed")).toEqual([]);
});
