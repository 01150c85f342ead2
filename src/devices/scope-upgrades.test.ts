import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestGateway, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";

let stateDir: string;
let gateway: TestGateway;
let owner: TestClient;
let asker: TestClient;
let identity: TestDevice;
/** Programs of this machine with a device of their own are paired silently. */
const CLI = { client: { id: "cli", mode: "cli", version: "1.0.0", platform: "linux" } };
const READ = "operator.read";
const WRITE = "operator.write";
const ADMIN = "operator.admin";

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-test-"));
  identity = new TestDevice();
  await start();
});
afterEach(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  gateway = await startTestGateway({ stateDir });
  owner = await gateway.connect();
  asker = await gateway.connect({ ...CLI, identity, scopes: [READ] });
}

const request = (scopes: string[], client = asker) => client.request("device.scopes.requestUpgrade", { scopes });
const wait = (requestId: string, client = asker) => client.request("device.scopes.waitUpgrade", { requestId });
const ask = async (scopes: string[]): Promise<string> => (await request(scopes)).payload.requestId;

test("an approved upgrade gives the device a token with what it asked for", async () => {
  const requestId = await ask([READ, WRITE]);
  const { payload: told } = await owner.event("device.pair.requested");
  expect(told).toMatchObject({ requestId, deviceId: identity.id, scopes: [READ, WRITE] });
  const waiting = wait(requestId);
  await owner.call("device.pair.approve", { requestId });
  const { payload } = await waiting;
  expect(payload).toEqual({ status: "approved", requestId, deviceToken: expect.any(String), scopes: [READ, WRITE] });
  expect((await wait(requestId)).payload).toEqual(payload);
  const upgraded = await gateway.connect({
    ...CLI,
    identity,
    scopes: [READ, WRITE],
    auth: { deviceToken: payload.deviceToken },
  });
  expect((await upgraded.request("sessions.create", { key: "x" })).ok).toBe(true);
});

test("a rejected one gives nothing", async () => {
  const requestId = await ask([READ, ADMIN]);
  const waiting = wait(requestId);
  await owner.call("device.pair.reject", { requestId });
  expect((await waiting).payload).toEqual({ status: "rejected", requestId });
});

test("one that waits over a restart is decided and told after it", async () => {
  const requestId = await ask([READ, WRITE]);
  await gateway.stop();
  await start();
  const waiting = wait(requestId);
  // The request must be waited for before it is decided.
  await asker.call("health");
  await owner.call("device.pair.approve", { requestId });
  expect((await waiting).payload.status).toBe("approved");
});

test("the same wish is the same request, and a wider one takes its place", async () => {
  const first = await ask([READ, WRITE]);
  expect(await ask([WRITE, READ])).toBe(first);
  const waiting = wait(first);
  const second = await ask([READ, ADMIN]);
  expect(second).not.toBe(first);
  expect((await waiting).payload).toEqual({ status: "rejected", requestId: first });
});

describe("an upgrade is refused", () => {
  test("without a paired operator device", async () => {
    const { error } = await request([ADMIN], owner);
    const details = { code: "DEVICE_IDENTITY_REQUIRED", recommendedNextStep: "reopen_control_ui_securely" };
    expect(error).toMatchObject({ code: "INVALID_REQUEST", details });
    expect((await wait("x", owner)).error.details).toEqual(details);
  });

  test.each([
    [[READ, "operator.flying"], "requested scopes contain an unknown operator scope"],
    [["operator.pairing"], "requested scopes must include the connection's current scopes"],
  ])("for %j", async (scopes, message) => {
    expect((await request(scopes)).error.message).toBe(message);
  });

  test("to wait for when it is unknown or another device's", async () => {
    const requestId = await ask([READ, WRITE]);
    const other = await gateway.connect({ ...CLI, identity: new TestDevice(), scopes: [READ] });
    for (const [id, client] of [
      [requestId, other],
      ["unknown", asker],
    ] as const) {
      expect((await wait(id, client)).error.message).toBe("scope upgrade expired or not found");
    }
  });

  test("to its own device: nobody approves more than they hold", async () => {
    const pairing = await gateway.connect({ ...CLI, identity: new TestDevice(), scopes: [READ, "operator.pairing"] });
    const requestId = (await request([READ, "operator.pairing", ADMIN], pairing)).payload.requestId;
    expect((await pairing.request("device.pair.approve", { requestId })).ok).toBe(false);
  });
});
