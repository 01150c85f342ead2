import { afterEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import {
  authOf,
  CLI,
  CONTROL_UI,
  pairLocally,
  payloadOf,
  REMOTE,
  refusal,
  startProxied,
} from "../gateway/auth/testing.ts";
import { ALL_SCOPES, type ConnectSpec, nodeSpec, TestDevice, type TestGateway } from "../gateway/testing.ts";
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

const reasonOf = async (gateway: TestGateway, spec: ConnectSpec) =>
  (await refusal(gateway, spec)).error.details?.reason;

describe("a device of this machine", () => {
  test("is paired without asking, and operators hear of it", async () => {
    const gateway = await start({}, { clock: new ManualClock() });
    const manager = await gateway.connect({ scopes: ["operator.pairing"] });
    const identity = new TestDevice();
    await pairLocally(gateway, identity, ["operator.write"]);
    const ts = gateway.services.clock.now();
    expect(await payloadOf(manager, "device.pair.resolved")).toEqual({
      requestId: expect.any(String),
      deviceId: identity.id,
      decision: "approved",
      ts,
    });
    expect(manager.events("device.pair.requested")).toEqual([]);
    expect((await manager.call("device.pair.list")).paired[0]).toMatchObject({
      deviceId: identity.id,
      scopes: ["operator.write"],
      approvedVia: "silent",
      tokens: [{ role: "operator", scopes: ["operator.read", "operator.write"], createdAtMs: ts }],
    });
  });

  test("11: with the secret gets more scopes without asking, under a new token; the old one ends", async () => {
    const gateway = await start();
    const manager = await gateway.connect();
    const identity = new TestDevice();
    const token = await pairLocally(gateway, identity, ["operator.read"]);
    const wider = await pairLocally(gateway, identity, ["operator.admin"]);
    expect(wider).not.toBe(token);
    const spec = { client: CLI, identity, scopes: ["operator.read"] };
    expect((await refusal(gateway, { ...spec, auth: { deviceToken: token } })).error.details?.code).toBe(
      "AUTH_DEVICE_TOKEN_MISMATCH",
    );
    expect((await authOf(gateway, { ...spec, auth: { deviceToken: wider } })).scopes).toEqual(["operator.read"]);
    const { paired } = await manager.call("device.pair.list");
    expect(paired[0].scopes).toEqual(["operator.read", "operator.admin"]);
  });

  test("does not become a node without asking when it was let in as an operator", async () => {
    const gateway = await start();
    const identity = new TestDevice();
    await authOf(gateway, { identity, client: { ...CLI, deviceFamily: "Linux" } });
    expect(await reasonOf(gateway, nodeSpec(identity))).toBe("role-upgrade");
  });

  test("becomes an operator as well without asking when it is a node", async () => {
    const gateway = await start();
    const identity = new TestDevice();
    const spec = { identity, client: { id: "node-host", mode: "node" } };
    await authOf(gateway, { ...nodeSpec(identity), client: { ...spec.client, deviceFamily: "Linux" } });
    const operator = { ...spec, client: { ...CLI, deviceFamily: "Linux" } };
    expect((await authOf(gateway, operator)).role).toBe("operator");
    const { paired } = await (await gateway.connect()).call("device.pair.list");
    expect(paired[0].roles).toEqual(["node", "operator"]);
  });

  test.each([
    ["asks for a scope that nobody knows", { client: CLI, scopes: ["no.such.scope"] }],
    ["asks for scopes as a node", { ...nodeSpec(), scopes: ["operator.admin"] }],
    ["is a page that is no client of the gateway's own", { client: CLI, headers: { origin: "http://localhost:1" } }],
    [
      "is a browser extension",
      {
        client: { id: "openclaw-browser-copilot", mode: "ui" },
        caps: ["run-tool-bindings", "session-scoped-events"],
        headers: { origin: "chrome-extension://abcdefghijklmnopabcdefghijklmnop" },
      },
    ],
  ] as [string, ConnectSpec][])("has to be approved when it %s", async (_name, spec) => {
    const gateway = await start();
    expect(await reasonOf(gateway, { identity: new TestDevice(), ...spec })).toBe("not-paired");
  });

  test("has to be approved when its platform changes", async () => {
    const gateway = await start();
    const identity = new TestDevice();
    await pairLocally(gateway, identity);
    expect(await reasonOf(gateway, { client: { ...CLI, platform: "macos" }, identity })).toBe("metadata-upgrade");
  });

  test("as the control UI or the web chat of a local page is paired like a program", async () => {
    const gateway = await start();
    for (const client of [CONTROL_UI, { id: "webchat-ui", mode: "webchat" }]) {
      const spec = { client, identity: new TestDevice(), headers: { origin: "http://localhost:1" } };
      expect((await authOf(gateway, spec)).deviceToken).toBeString();
    }
  });

  test("waits like any other where the owner wants to be asked", async () => {
    const gateway = await start({ nodes: { pairing: { autoApproveLocal: false } } });
    for (const spec of [{ client: CLI, identity: new TestDevice() }, nodeSpec()]) {
      expect(await reasonOf(gateway, spec)).toBe("not-paired");
    }
    const page = { client: CONTROL_UI, identity: new TestDevice(), headers: { origin: "http://localhost:1" } };
    expect((await refusal(gateway, page)).error.details).toMatchObject({
      recommendedNextStep: "wait_then_retry",
      retryable: true,
      pauseReconnect: false,
    });
  });
});

describe("the backend of this machine", () => {
  const BACKEND = { id: "gateway-client", mode: "backend" };

  test("needs no pairing and gets no token, also when it proves a device", async () => {
    const gateway = await start({ nodes: { pairing: { autoApproveLocal: false } } });
    const auth = await authOf(gateway, { client: BACKEND, identity: new TestDevice() });
    expect(auth).toEqual({ method: "token", role: "operator", scopes: ALL_SCOPES, recoveryScope: expect.any(String) });
    expect((await (await gateway.connect()).call("device.pair.list")).paired).toEqual([]);
  });

  test("is one only on this machine, and not from a page", async () => {
    const gateway = await start();
    for (const headers of [REMOTE, { origin: "http://localhost:1" }]) {
      expect(await reasonOf(gateway, { client: BACKEND, identity: new TestDevice(), headers })).toBe("not-paired");
    }
  });
});

describe("programs with a throw-away state directory", () => {
  const program = (displayName: string, identity = new TestDevice()): ConnectSpec => ({
    client: { ...CLI, displayName },
    identity,
  });
  const names = async (gateway: TestGateway): Promise<string[]> => {
    const { paired } = await (await gateway.connect()).call("device.pair.list");
    return paired.map((device: { displayName: string }) => device.displayName).sort();
  };

  test("leave only their newest pairing, and those in use or just made", async () => {
    const clock = new ManualClock();
    const gateway = await start({}, { clock });
    await authOf(gateway, program("job"));
    const live = await gateway.connect(program("job"));
    await authOf(gateway, program("other job"));
    clock.advance(60_001);
    await authOf(gateway, program("job"));
    await authOf(gateway, program("job"));
    const admin = await gateway.connect();
    await admin.until(() => admin.frames.length > 0);
    expect(await names(gateway)).toEqual(["job", "job", "job", "other job"]);
    expect(live.closed).toBeUndefined();
  });

  test("do not touch what somebody approved", async () => {
    const clock = new ManualClock();
    const gateway = await start({}, { clock });
    const admin = await gateway.connect();
    const approved = new TestDevice();
    const { error } = await refusal(gateway, { ...program("job", approved), headers: REMOTE });
    await admin.call("device.pair.approve", { requestId: error.details?.requestId });
    clock.advance(60_001);
    await authOf(gateway, program("job"));
    expect(await names(gateway)).toEqual(["job", "job"]);
  });
});

test("125: what a device says of itself is kept short, on one line, without marks that turn text around", async () => {
  const gateway = await start();
  const displayName = `Evil\u202e\u0007\n name ${"x".repeat(500)}`;
  await authOf(gateway, { client: { ...CLI, displayName, platform: "linux\u0000" }, identity: new TestDevice() });
  const { paired } = await (await gateway.connect()).call("device.pair.list");
  expect(paired[0].displayName).toMatch(/^Evil name x+$/);
  expect(paired[0].displayName).toHaveLength(120);
  expect(paired[0].platform).toBe("linux");
});

test("a connect with more scopes than anybody needs is refused", async () => {
  const gateway = await start();
  const scopes = Array.from({ length: 65 }, (_, i) => `scope.${i}`);
  expect((await refusal(gateway, { client: CLI, identity: new TestDevice(), scopes })).error.message).toBe(
    "too many scopes",
  );
});

test("there is a bound on paired devices; the next one is told, and one that leaves makes room", async () => {
  const gateway = await start();
  const { store } = gateway.services;
  await pairLocally(gateway, new TestDevice());
  await store.write((db) => {
    const copy = db.query(
      `INSERT INTO devices (device_id, public_key, display_name, operator_label, platform, device_family, client_id,
         client_mode, role, roles, scopes, remote_ip, approved_via, created_at, approved_at, last_seen_at)
       SELECT ?1 AS device_id, public_key, display_name, operator_label, platform, device_family,
         'other' AS client_id, client_mode, role, roles, scopes, remote_ip, approved_via, created_at, approved_at, last_seen_at
       FROM devices LIMIT 1`,
    );
    for (let i = 1; i < LIMITS.pairedDevicesMax; i++) copy.run(`device-${i}`);
  });
  const { error, close } = await refusal(gateway, { client: CLI, identity: new TestDevice() });
  expect(error).toEqual({
    code: "UNAVAILABLE",
    message: "too many devices are paired; remove those that are no longer used",
  });
  expect(close).toEqual({ code: 1008, reason: error.message });
  await (await gateway.connect()).call("device.pair.remove", { deviceId: "device-1" });
  expect(await pairLocally(gateway, new TestDevice())).toBeString();
});
