import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authOf, CLI, pairLocally, refusal, startProxied } from "../gateway/auth/testing.ts";
import { nodeSpec, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startProxied>): Promise<TestGateway> {
  const gateway = await startProxied(...options);
  ends.push(() => gateway.stop());
  return gateway;
}
function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "chela-tokens-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const MANAGE = ["operator.pairing", "operator.read"];
const REMOVED = { code: 4001, reason: "device removed" };
const messageOf = async (client: TestClient, method: string, params: unknown): Promise<string> =>
  (await client.request(method, params)).error?.message;

/** A device with a connection by the secret and one by its token. */
async function pairedDevice(gateway: TestGateway, scopes = MANAGE) {
  const identity = new TestDevice();
  const spec = { client: CLI, identity, scopes };
  const bySecret = await gateway.connect(spec);
  const { deviceToken } = bySecret.helloPayload.auth as { deviceToken: string };
  const byToken = await gateway.connect({ ...spec, auth: { deviceToken } });
  return { identity, spec, deviceToken, bySecret, byToken, id: identity.id };
}

describe("a token", () => {
  test("is not in the database, not in any log, and not in any list", async () => {
    const lines: string[] = [];
    const note = (message: string, fields?: unknown) => lines.push(`${message} ${JSON.stringify(fields)}`);
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
    const stateDir = stateFolder();
    const gateway = await startProxied({}, { stateDir, log });
    const { deviceToken, id } = await pairedDevice(gateway);
    const admin = await gateway.connect();
    const list = JSON.stringify(await admin.call("device.pair.list"));
    await admin.call("device.token.rotate", { deviceId: id, role: "operator" });
    await gateway.stop();
    const files = readdirSync(stateDir).filter((name) => name.startsWith("chela.sqlite"));
    expect(files.length).toBeGreaterThan(0);
    for (const text of [list, lines.join("\n"), ...files.map((name) => readFileSync(join(stateDir, name), "latin1"))]) {
      expect(text).not.toContain(deviceToken);
    }
    expect(lines.join("\n")).toContain("a device was paired without asking");
  });

  test("46: comes from a key in a file of its own that only the owner may read", async () => {
    const stateDir = stateFolder();
    const gateway = await startProxied({}, { stateDir });
    await pairLocally(gateway, new TestDevice());
    await gateway.stop();
    const path = join(stateDir, "identity", "device-tokens.key");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(stateDir, "identity")).mode & 0o777).toBe(0o700);
  });

  test("is still known when that key is lost, and then replaced at the next visit with the secret", async () => {
    const stateDir = stateFolder();
    const identity = new TestDevice();
    const first = await startProxied({}, { stateDir });
    const token = await pairLocally(first, identity);
    await first.stop();
    unlinkSync(join(stateDir, "identity", "device-tokens.key"));
    const second = await startProxied({}, { stateDir });
    ends.push(() => second.stop());
    const spec = { client: CLI, identity };
    expect((await authOf(second, { ...spec, auth: { deviceToken: token } })).deviceToken).toBe(token);
    const renewed = await pairLocally(second, identity);
    expect(renewed).not.toBe(token);
    expect((await refusal(second, { ...spec, auth: { deviceToken: token } })).error.details?.code).toBe(
      "AUTH_DEVICE_TOKEN_MISMATCH",
    );
  });

  test("records when it was used last", async () => {
    const clock = new ManualClock();
    const gateway = await start({}, { clock });
    const { spec, deviceToken } = await pairedDevice(gateway);
    const admin = await gateway.connect();
    clock.advance(1000);
    await authOf(gateway, { ...spec, auth: { deviceToken } });
    const { paired } = await admin.call("device.pair.list");
    expect(paired[0]).toMatchObject({ lastSeenAtMs: clock.now(), tokens: [{ lastUsedAtMs: clock.now() }] });
  });
});

describe("16: the live connections of a device end", () => {
  test("when it is removed, all of them, and its token with them", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const { id, bySecret, byToken, spec, deviceToken } = await pairedDevice(gateway);
    const { error } = await refusal(gateway, nodeSpec(spec.identity));
    await admin.call("device.pair.approve", { requestId: error.details?.requestId });
    const node = await gateway.connect(nodeSpec(spec.identity));
    expect(await admin.call("device.pair.remove", { deviceId: id })).toEqual({ deviceId: id });
    expect(await bySecret.ended()).toEqual(REMOVED);
    expect(await byToken.ended()).toEqual(REMOVED);
    expect(await node.ended()).toEqual(REMOVED);
    expect((await admin.call("health")).ok).toBe(true);
    expect((await refusal(gateway, { ...spec, auth: { deviceToken } })).error.details?.code).toBe(
      "AUTH_DEVICE_TOKEN_MISMATCH",
    );
    expect(await messageOf(admin, "device.pair.remove", { deviceId: id })).toBe("unknown deviceId");
    expect((await admin.call("device.pair.list")).paired).toEqual([]);
  });

  test.each(["device.token.rotate", "device.token.revoke"])("in one role when %s changes it", async (method) => {
    const gateway = await start();
    const admin = await gateway.connect();
    const identity = new TestDevice();
    const client = { ...CLI, deviceFamily: "Linux" };
    const node = await gateway.connect(nodeSpec(identity));
    const operator = await gateway.connect({ client, identity });
    await admin.call(method, { deviceId: identity.id, role: "node" });
    expect(await node.ended()).toEqual(REMOVED);
    expect((await operator.call("health")).ok).toBe(true);
    await admin.call(method, { deviceId: identity.id, role: "operator" });
    expect(await operator.ended()).toEqual(REMOVED);
  });

  test("also one that is being admitted at that moment", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const { id, spec, deviceToken } = await pairedDevice(gateway);
    const { health } = gateway.services;
    const snapshot = health.snapshot.bind(health);
    // The token has been checked when the snapshot for hello is taken.
    health.snapshot = async () => {
      health.snapshot = snapshot;
      await gateway.services.devices.revokeToken(
        { deviceId: id, role: "operator" },
        { role: "operator", scopes: new Set(["operator.admin"]), authMethod: "token" },
      );
      return snapshot();
    };
    const late = await gateway.open();
    const error = await late.hello({ ...spec, auth: { deviceToken } }).catch((thrown) => thrown);
    expect(error.message).toBe("device access ended");
    expect(await late.ended()).toEqual(REMOVED);
    expect((await admin.call("health")).ok).toBe(true);
  });
});

describe("19: rotation", () => {
  test("by somebody else tells the token to nobody", async () => {
    const clock = new ManualClock();
    const gateway = await start({}, { clock });
    const admin = await gateway.connect();
    const { id, spec, deviceToken } = await pairedDevice(gateway);
    expect(await admin.call("device.token.rotate", { deviceId: id, role: "operator" })).toEqual({
      deviceId: id,
      role: "operator",
      scopes: MANAGE,
      rotatedAtMs: clock.now(),
      tokenDelivery: "withheld-cross-device",
    });
    expect((await refusal(gateway, { ...spec, auth: { deviceToken } })).error.details?.code).toBe(
      "AUTH_DEVICE_TOKEN_MISMATCH",
    );
  });

  test("by the device itself, with its old token, answers with the new one before the connection ends", async () => {
    const gateway = await start();
    const { id, spec, byToken, bySecret, deviceToken } = await pairedDevice(gateway);
    const answer = await byToken.call("device.token.rotate", { deviceId: id, role: "operator" });
    expect(answer.tokenDelivery).toBe("in-band");
    expect(answer.token).toMatch(/^[\w-]{43}$/);
    expect(answer.token).not.toBe(deviceToken);
    expect(await byToken.ended()).toEqual(REMOVED);
    expect(await bySecret.ended()).toEqual(REMOVED);
    expect((await authOf(gateway, { ...spec, auth: { deviceToken: answer.token } })).method).toBe("device-token");
  });

  test("by the device itself with the secret tells nothing either", async () => {
    const gateway = await start();
    const { id, bySecret } = await pairedDevice(gateway);
    expect(await bySecret.call("device.token.rotate", { deviceId: id, role: "operator" })).not.toHaveProperty("token");
  });

  test("gives nobody more than they hold, than was approved, or another role", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const manager = await gateway.connect({ scopes: ["operator.pairing"] });
    const { id, byToken } = await pairedDevice(gateway);
    const other = await pairedDevice(gateway);
    for (const [caller, params] of [
      [manager, { deviceId: id, role: "operator" }],
      [manager, { deviceId: id, role: "operator", scopes: ["operator.admin"] }],
      [manager, { deviceId: id, role: "node" }],
      [byToken, { deviceId: id, role: "operator", scopes: [...MANAGE, "operator.admin"] }],
      [byToken, { deviceId: id, role: "node" }],
      [byToken, { deviceId: other.id, role: "operator", scopes: MANAGE }],
      [byToken, { deviceId: "nobody", role: "operator" }],
      [admin, { deviceId: id, role: "operator", scopes: ["operator.admin"] }],
      [admin, { deviceId: id, role: "node" }],
      [admin, { deviceId: id, role: "no-such-role" }],
      [admin, { deviceId: "nobody", role: "operator" }],
    ] as const) {
      expect(await messageOf(caller, "device.token.rotate", params)).toBe("device token rotation denied");
    }
    expect(other.byToken.closed).toBeUndefined();
  });

  test("can narrow a token; the device gets its approved scopes back with the secret", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const { id, spec } = await pairedDevice(gateway);
    const { scopes } = await admin.call("device.token.rotate", { deviceId: id, role: "operator", scopes: [] });
    expect(scopes).toEqual([]);
    const { deviceToken } = await authOf(gateway, spec);
    expect((await authOf(gateway, { ...spec, auth: { deviceToken } })).scopes).toEqual(MANAGE);
  });
});

describe("revocation", () => {
  test("needs what rotation needs", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const manager = await gateway.connect({ scopes: ["operator.pairing"] });
    const { id, byToken } = await pairedDevice(gateway);
    const other = await pairedDevice(gateway);
    for (const [caller, params] of [
      [manager, { deviceId: id, role: "operator" }],
      [byToken, { deviceId: id, role: "node" }],
      [byToken, { deviceId: other.id, role: "operator" }],
      [admin, { deviceId: id, role: "node" }],
      [admin, { deviceId: "nobody", role: "operator" }],
    ] as const) {
      expect(await messageOf(caller, "device.token.revoke", params)).toBe("device token revocation denied");
    }
    expect(await byToken.call("device.token.revoke", { deviceId: id, role: "operator" })).toMatchObject({
      role: "operator",
    });
  });

  test("lasts until the role is approved anew", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const node = nodeSpec();
    const headers = { "x-forwarded-for": "203.0.113.9" };
    const first = await refusal(gateway, { ...node, headers });
    await admin.call("device.pair.approve", { requestId: first.error.details?.requestId });
    await authOf(gateway, { ...node, headers });
    await admin.call("device.token.revoke", { deviceId: node.identity!.id, role: "node" });
    const again = await refusal(gateway, { ...node, headers });
    expect(again.error.details).toMatchObject({ reason: "role-upgrade", approvedRoles: ["node"] });
    await admin.call("device.pair.approve", { requestId: again.error.details?.requestId });
    expect((await authOf(gateway, { ...node, headers })).role).toBe("node");
  });
});

describe("a session with a device token, short of admin,", () => {
  test("sees and manages its own device alone", async () => {
    const gateway = await start();
    const { id, byToken } = await pairedDevice(gateway);
    const other = await pairedDevice(gateway);
    const { error } = await refusal(gateway, {
      client: CLI,
      identity: new TestDevice(),
      scopes: ["operator.read"],
      headers: { "x-forwarded-for": "203.0.113.9" },
    });
    const requestId = error.details?.requestId;
    const list = await byToken.call("device.pair.list");
    expect(list.pending).toEqual([]);
    expect(list.paired.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual([id]);
    for (const [method, params, message] of [
      ["device.pair.approve", { requestId }, "device pairing approval denied"],
      ["device.pair.reject", { requestId }, "device pairing rejection denied"],
      ["device.pair.remove", { deviceId: other.id }, "device pairing removal denied"],
      ["device.pair.rename", { deviceId: other.id, label: "x" }, "device pairing rename denied"],
    ] as const) {
      expect(await messageOf(byToken, method, params)).toBe(message);
    }
    expect(await byToken.call("device.pair.rename", { deviceId: id, label: "  Mine  " })).toEqual({
      deviceId: id,
      label: "Mine",
    });
    expect(await byToken.call("device.pair.remove", { deviceId: id })).toEqual({ deviceId: id });
  });
});

describe("a label", () => {
  test("needs a text, and outlives a new approval", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const { id, identity } = await pairedDevice(gateway);
    expect(await messageOf(admin, "device.pair.rename", { deviceId: id, label: "   " })).toBe("label required");
    expect(await messageOf(admin, "device.pair.rename", { deviceId: "nobody", label: "x" })).toBe("unknown deviceId");
    await admin.call("device.pair.rename", { deviceId: id, label: "Kitchen" });
    expect((await admin.event("device.pair.changed")).payload).toEqual({});
    await pairLocally(gateway, identity, ["operator.admin"]);
    expect((await admin.call("device.pair.list")).paired[0].operatorLabel).toBe("Kitchen");
  });
});
