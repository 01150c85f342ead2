import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authOf, CLI, from, pairLocally, payloadOf, REMOTE, refusal, startProxied } from "../gateway/auth/testing.ts";
import { type ConnectSpec, nodeSpec, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startProxied>): Promise<TestGateway> {
  const gateway = await startProxied(...options);
  ends.push(() => gateway.stop());
  return gateway;
}

const elsewhere = (
  identity: TestDevice,
  scopes: string[] = ["operator.read"],
  more: ConnectSpec = {},
): ConnectSpec => ({
  client: { ...CLI, displayName: "Laptop" },
  identity,
  scopes,
  headers: REMOTE,
  ...more,
});

/** The id of the request that a refused connect leaves behind. */
async function requestOf(gateway: TestGateway, spec: ConnectSpec): Promise<string> {
  const { error } = await refusal(gateway, spec);
  expect(error.details?.code).toBe("PAIRING_REQUIRED");
  return error.details?.requestId as string;
}

const UUID = expect.stringMatching(/^[0-9a-f-]{36}$/);

describe("9: a new device elsewhere", () => {
  test("has to wait although it has the secret, and is told for what", async () => {
    const gateway = await start();
    const identity = new TestDevice();
    const { error, close } = await refusal(gateway, elsewhere(identity, ["operator.admin"]));
    expect(error).toEqual({
      code: "NOT_PAIRED",
      message: "pairing required: device is not approved yet",
      details: {
        code: "PAIRING_REQUIRED",
        reason: "not-paired",
        requestId: UUID,
        remediationHint: "Approve this device from the pending pairing requests.",
        deviceId: identity.id,
        requestedRole: "operator",
        requestedScopes: ["operator.admin"],
      },
    });
    expect(close).toEqual({ code: 1008, reason: `${error.message} (requestId: ${error.details?.requestId})` });
  });

  test("is announced to those who manage pairings, and to nobody else", async () => {
    const gateway = await start({}, { clock: new ManualClock() });
    const manager = await gateway.connect({ scopes: ["operator.pairing"] });
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const identity = new TestDevice();
    const requestId = await requestOf(gateway, elsewhere(identity));
    const request = {
      requestId,
      deviceId: identity.id,
      publicKey: identity.publicKey,
      displayName: "Laptop",
      platform: "linux",
      clientId: "cli",
      clientMode: "cli",
      role: "operator",
      roles: ["operator"],
      scopes: ["operator.read"],
      remoteIp: "203.0.113.9",
      silent: false,
      isRepair: false,
      ts: gateway.services.clock.now(),
    };
    expect(await payloadOf(manager, "device.pair.requested")).toEqual(request);
    expect((await manager.call("device.pair.list")).pending).toEqual([request]);
    await reader.call("health");
    expect(reader.events("device.pair.requested")).toEqual([]);
  });

  test("keeps its request while it keeps trying, and no longer", async () => {
    const clock = new ManualClock();
    const gateway = await start({}, { clock });
    const identity = new TestDevice();
    const requestId = await requestOf(gateway, elsewhere(identity));
    for (let i = 0; i < 3; i++) {
      clock.advance(299_999);
      expect(await requestOf(gateway, elsewhere(identity))).toBe(requestId);
    }
    clock.advance(300_000);
    const admin = await gateway.connect();
    expect((await admin.call("device.pair.list")).pending).toEqual([]);
    expect((await admin.request("device.pair.approve", { requestId })).error.message).toBe("unknown requestId");
    expect(await requestOf(gateway, elsewhere(identity))).not.toBe(requestId);
  });

  test("comes in once it is approved, and gets its token", async () => {
    const clock = new ManualClock();
    const gateway = await start({}, { clock });
    const admin = await gateway.connect();
    const identity = new TestDevice();
    const requestId = await requestOf(gateway, elsewhere(identity, ["operator.write"]));
    const answer = await admin.call("device.pair.approve", { requestId });
    const now = clock.now();
    const device = {
      deviceId: identity.id,
      publicKey: identity.publicKey,
      displayName: "Laptop",
      platform: "linux",
      clientId: "cli",
      clientMode: "cli",
      role: "operator",
      roles: ["operator"],
      scopes: ["operator.write"],
      remoteIp: "203.0.113.9",
      approvedVia: "owner",
      createdAtMs: now,
      approvedAtMs: now,
      tokens: [{ role: "operator", scopes: ["operator.read", "operator.write"], createdAtMs: now }],
    };
    expect(answer).toEqual({ requestId, device });
    expect(await payloadOf(admin, "device.pair.resolved")).toEqual({
      requestId,
      deviceId: identity.id,
      decision: "approved",
      ts: now,
    });
    const client = await gateway.connect(elsewhere(identity, ["operator.write"]));
    const { deviceToken, ...auth } = client.helloPayload.auth;
    expect(auth).toMatchObject({ method: "token", scopes: ["operator.write"], issuedAtMs: now });
    const { paired, pending } = await admin.call("device.pair.list");
    expect(pending).toEqual([]);
    expect(paired).toEqual([{ ...device, lastSeenAtMs: now, lastSeenReason: "connect", connected: true }]);
    const byToken = elsewhere(identity, ["operator.read", "operator.talk"], { auth: { deviceToken } });
    expect(await authOf(gateway, byToken)).toMatchObject({ method: "device-token", deviceToken });
  });

  test("is refused again after a rejection, under another id", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const identity = new TestDevice();
    const requestId = await requestOf(gateway, elsewhere(identity));
    expect(await admin.call("device.pair.reject", { requestId })).toEqual({ requestId, deviceId: identity.id });
    expect(await payloadOf(admin, "device.pair.resolved")).toMatchObject({ requestId, decision: "rejected" });
    expect(await requestOf(gateway, elsewhere(identity))).not.toBe(requestId);
  });
});

describe("11: more than was approved", () => {
  async function paired(scopes: string[]) {
    const gateway = await start();
    const admin = await gateway.connect();
    const identity = new TestDevice();
    const requestId = await requestOf(gateway, elsewhere(identity, scopes));
    await admin.call("device.pair.approve", { requestId });
    return { gateway, admin, identity };
  }

  test("scopes: a new request, which says what is approved already; less is fine", async () => {
    const { gateway, identity } = await paired(["operator.write", "operator.approvals"]);
    const { error } = await refusal(gateway, elsewhere(identity, ["operator.read", "operator.admin"]));
    expect(error).toMatchObject({
      code: "NOT_PAIRED",
      message: "pairing required: device is asking for more scopes than currently approved",
      details: {
        reason: "scope-upgrade",
        requestedScopes: ["operator.read", "operator.admin"],
        approvedRoles: ["operator"],
        approvedScopes: ["operator.approvals", "operator.write"],
      },
    });
    expect((await authOf(gateway, elsewhere(identity, ["operator.read"]))).scopes).toEqual(["operator.read"]);
  });

  test("the request for more replaces the one before it under another id, and gathers what was asked", async () => {
    const gateway = await start();
    const admin = await gateway.connect();
    const identity = new TestDevice();
    const first = await requestOf(gateway, elsewhere(identity, ["operator.read"]));
    const second = await requestOf(gateway, elsewhere(identity, ["operator.admin"]));
    expect(second).not.toBe(first);
    expect(await payloadOf(admin, "device.pair.resolved")).toMatchObject({ requestId: first, decision: "rejected" });
    const { pending } = await admin.call("device.pair.list");
    expect(pending).toHaveLength(1);
    expect(pending[0]).toMatchObject({ requestId: second, scopes: ["operator.read", "operator.admin"] });
    expect((await admin.request("device.pair.approve", { requestId: first })).error.message).toBe("unknown requestId");
  });

  test("another role", async () => {
    const { gateway, admin, identity } = await paired(["operator.read"]);
    const node = { ...nodeSpec(identity), headers: REMOTE };
    const { error } = await refusal(gateway, node);
    expect(error).toMatchObject({
      message: "pairing required: device is asking for a higher role than currently approved",
      details: { reason: "role-upgrade", requestedRole: "node", approvedRoles: ["operator"] },
    });
    const { device } = await admin.call("device.pair.approve", { requestId: error.details?.requestId });
    expect(device).toMatchObject({ role: "node", roles: ["operator", "node"], scopes: ["operator.read"] });
    expect((await authOf(gateway, node)).role).toBe("node");
  });

  test("13: another platform or family than was approved, also by a look-alike", async () => {
    const { gateway, admin, identity } = await paired(["operator.read"]);
    const on = (client: Record<string, unknown>) =>
      elsewhere(identity, ["operator.read"], { client: { ...CLI, ...client } });
    for (const platform of ["macos", "lіnux", "linux-arm"]) {
      expect((await refusal(gateway, on({ platform }))).error.details?.reason).toBe("metadata-upgrade");
    }
    for (const platform of ["LINUX", " linux ", "linux 6.2"]) {
      expect((await authOf(gateway, on({ platform }))).method).toBe("token");
    }
    const requestId = await requestOf(gateway, on({ platform: "macos", deviceFamily: "Mac" }));
    await admin.call("device.pair.approve", { requestId });
    expect((await refusal(gateway, on({ platform: "macos" }))).error.details?.reason).toBe("metadata-upgrade");
    expect((await authOf(gateway, on({ platform: "macos", deviceFamily: "mac" }))).method).toBe("token");
  });
});

describe("20: who may approve", () => {
  const managing = (gateway: TestGateway, ...scopes: string[]) =>
    gateway.connect({ scopes: ["operator.pairing", ...scopes] });

  test("somebody who holds each scope that is asked for", async () => {
    const gateway = await start();
    const manager = await managing(gateway, "operator.write");
    for (const [scopes, missing] of [
      [["operator.admin"], "operator.admin"],
      [["operator.read", "operator.approvals"], "operator.approvals"],
      [["no.such.scope"], "no.such.scope"],
    ] as const) {
      const requestId = await requestOf(gateway, elsewhere(new TestDevice(), [...scopes]));
      expect((await manager.request("device.pair.approve", { requestId })).error).toEqual({
        code: "INVALID_REQUEST",
        message: `missing scope: ${missing}`,
      });
    }
    const requestId = await requestOf(gateway, elsewhere(new TestDevice(), ["operator.read", "operator.pairing"]));
    expect((await manager.call("device.pair.approve", { requestId })).device.scopes).toHaveLength(2);
  });

  test("for nodes an administrator", async () => {
    const gateway = await start();
    const requestId = await requestOf(gateway, { ...nodeSpec(), headers: REMOTE });
    const manager = await managing(gateway, "operator.write");
    expect((await manager.request("device.pair.approve", { requestId })).error.message).toBe(
      "device pairing approval denied",
    );
    const admin = await gateway.connect({ scopes: ["operator.admin"] });
    expect((await admin.call("device.pair.approve", { requestId })).device.role).toBe("node");
  });

  test("a repair that names no scopes brings back those of the token, so they must be held as well", async () => {
    const gateway = await start();
    const identity = new TestDevice();
    await pairLocally(gateway, identity, ["operator.admin"]);
    const spec = elsewhere(identity, [], { client: { ...CLI, platform: "macos" } });
    const requestId = await requestOf(gateway, spec);
    const manager = await managing(gateway, "operator.write");
    expect((await manager.request("device.pair.approve", { requestId })).error.message).toBe(
      "missing scope: operator.admin",
    );
  });
});

describe("24: a flood of requests", () => {
  test("of one address pushes out its own oldest ones, not those of others", async () => {
    const gateway = await start();
    const other = await requestOf(gateway, elsewhere(new TestDevice(), [], { headers: from("198.51.100.1") }));
    for (let i = 0; i < 30; i++) await requestOf(gateway, elsewhere(new TestDevice()));
    const { pending } = await (await gateway.connect()).call("device.pair.list");
    const byAddress = Map.groupBy(pending as { remoteIp: string }[], ({ remoteIp }) => remoteIp);
    expect(byAddress.get("203.0.113.9")).toHaveLength(20);
    expect(pending.at(-1)).toMatchObject({ requestId: other });
  });

  test("of many addresses stops at a bound, and the busiest lose theirs first", async () => {
    const gateway = await start();
    const lone = await requestOf(gateway, elsewhere(new TestDevice(), [], { headers: from("198.51.100.1") }));
    for (let i = 0; i < 220; i++) {
      const headers = from(`203.0.113.${1 + (i % 12)}`);
      await requestOf(gateway, elsewhere(new TestDevice(), [], { headers }));
    }
    const { pending } = await (await gateway.connect()).call("device.pair.list");
    expect(pending).toHaveLength(200);
    expect(pending.some(({ requestId }: { requestId: string }) => requestId === lone)).toBe(true);
  });
});

test("requests and pairings outlast a restart", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "chela-devices-"));
  ends.push(() => rmSync(stateDir, { recursive: true, force: true }));
  const identities = [new TestDevice(), new TestDevice()] as const;
  const first = await startProxied({}, { stateDir });
  const requestId = await requestOf(first, elsewhere(identities[0]));
  const token = await pairLocally(first, identities[1]);
  await first.stop();
  const second = await startProxied({}, { stateDir });
  ends.push(() => second.stop());
  expect(await requestOf(second, elsewhere(identities[0]))).toBe(requestId);
  const spec = { client: CLI, identity: identities[1] };
  expect((await authOf(second, { ...spec, auth: { deviceToken: token } })).method).toBe("device-token");
  expect((await authOf(second, spec)).deviceToken).toBe(token);
});
