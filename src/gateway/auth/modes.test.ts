import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { ALL_SCOPES, nodeSpec, TestDevice, type TestGateway } from "../testing.ts";
import { authOf, CLI, CONTROL_UI, REMOTE, refusal, startProxied } from "./testing.ts";

const BACKEND = { id: "gateway-client", mode: "backend" };
const TEST = { id: "test", mode: "test" };
const scopes = ["operator.admin", "operator.read", "no.such.scope"];

const gateways: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop();
});
async function start(...options: Parameters<typeof startProxied>): Promise<TestGateway> {
  const gateway = await startProxied(...options);
  gateways.push(gateway);
  return gateway;
}

describe("8: a client without identity, with the right secret,", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startProxied();
  });
  afterAll(() => gateway.stop());

  test.each([
    ["the backend of this machine", BACKEND],
    ["the command line of this machine", CLI],
  ])("keeps the scopes it asks for, as %s", async (_name, client) => {
    expect((await authOf(gateway, { client, scopes })).scopes).toEqual(scopes);
  });

  test.each([
    ["another kind of backend", { id: "cli", mode: "backend" }],
    ["a client that calls itself backend only by name", { id: "gateway-client", mode: "cli" }],
    ["a probe", { id: "cli", mode: "probe" }],
    ["a native app", { id: "openclaw-macos", mode: "ui" }],
    ["a test client", TEST],
  ])("has none, as %s", async (_name, client) => {
    expect((await authOf(gateway, { client, scopes })).scopes).toEqual([]);
  });

  test.each([
    ["backend", BACKEND],
    ["command line", CLI],
    ["test client", TEST],
  ])("has none from elsewhere, as %s, so that methods answer missing scope", async (_name, client) => {
    const elsewhere = await gateway.connect({ client, scopes, headers: REMOTE });
    expect(elsewhere.helloPayload.auth.scopes).toEqual([]);
    expect((await elsewhere.request("config.get", {})).error.details.code).toBe("MISSING_SCOPE");
  });

  test("has none as a page, also on this machine", async () => {
    const headers = { origin: "http://localhost:8080" };
    for (const client of [BACKEND, CLI]) {
      expect((await authOf(gateway, { client, scopes, headers })).scopes).toEqual([]);
    }
  });

  test("10: has none when it asks for none", async () => {
    const { scopes: none } = await authOf(gateway, { scopes: undefined });
    expect(none).toEqual([]);
    expect((await authOf(gateway, { scopes: undefined, headers: REMOTE })).scopes).toEqual([]);
  });
});

describe("password mode", () => {
  const auth = { mode: "password", password: "correct-horse-battery-staple", token: undefined };
  const mismatch = {
    code: "AUTH_PASSWORD_MISMATCH",
    authReason: "password_mismatch",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_credentials",
  };

  test("takes the password in either field", async () => {
    const gateway = await start({ auth });
    for (const given of [{ password: auth.password }, { token: auth.password }]) {
      expect(await authOf(gateway, { auth: given })).toMatchObject({ method: "password", scopes: ALL_SCOPES });
    }
  });

  test("refuses a wrong one in upstream's words, and takes the field of the mode first", async () => {
    const gateway = await start({ auth: { ...auth, rateLimit: { exemptLoopback: false, maxAttempts: 100 } } });
    const given = { password: "wrong", token: auth.password };
    expect((await refusal(gateway, { auth: given })).error).toMatchObject({
      message: "unauthorized: gateway password mismatch (provide gateway auth password)",
      details: mismatch,
    });
    const device = { client: CLI, identity: new TestDevice() };
    expect((await refusal(gateway, { ...device, auth: { password: "wrong" } })).error).toMatchObject({
      message: "unauthorized: gateway password mismatch (use this gateway's gateway.auth.password)",
      details: mismatch,
    });
    expect((await refusal(gateway, { ...device, auth: {} })).error.details).toMatchObject({
      code: "AUTH_PASSWORD_MISSING",
      recommendedNextStep: "update_auth_configuration",
    });
    expect((await refusal(gateway, { auth: {} })).error.code).toBe("NOT_PAIRED");
  });

  test("does not take the token that is configured beside it", async () => {
    const gateway = await start({
      auth: { ...auth, token: "token-that-does-not-count", rateLimit: { exemptLoopback: false } },
    });
    expect((await refusal(gateway, { auth: { token: "token-that-does-not-count" } })).error.details).toEqual(mismatch);
  });
});

test("18: without a usable secret nobody comes in, whatever they present", async () => {
  const gateway = await start({ auth: { token: "   ", rateLimit: { exemptLoopback: false, maxAttempts: 100 } } });
  for (const token of ["   ", "undefined", "null", "x"]) {
    const error = (await refusal(gateway, { auth: { token } })).error;
    expect(["AUTH_TOKEN_MISMATCH", "DEVICE_IDENTITY_REQUIRED"]).toContain(error.details?.code as string);
  }
});

describe("mode none", () => {
  const none = { auth: { mode: "none", token: undefined } };

  test("lets this machine's backend in, and devices of this machine, whatever they present", async () => {
    const gateway = await start(none);
    for (const auth of [{}, { token: "anything" }, { deviceToken: "anything" }]) {
      expect(await authOf(gateway, { auth })).toEqual({ method: "none", role: "operator", scopes: ALL_SCOPES });
      const device = await authOf(gateway, { client: CLI, auth, identity: new TestDevice() });
      expect(device).toMatchObject({
        method: "none",
        deviceToken: expect.any(String),
        recoveryScope: expect.any(String),
      });
    }
    expect(await authOf(gateway, nodeSpec())).toMatchObject({ method: "none", role: "node" });
  });

  test("still checks what a device proves", async () => {
    const gateway = await start(none);
    const spec = { client: CLI, auth: {}, identity: new TestDevice(), device: { nonce: "another" } };
    expect((await refusal(gateway, spec)).error.details?.code).toBe("DEVICE_AUTH_NONCE_MISMATCH");
  });

  test("asks others for a device, and somebody for its approval", async () => {
    const gateway = await start(none);
    expect((await refusal(gateway, { client: CLI, auth: {} })).error.details?.code).toBe("DEVICE_IDENTITY_REQUIRED");
    expect((await refusal(gateway, { auth: {}, headers: REMOTE })).error.details?.code).toBe(
      "DEVICE_IDENTITY_REQUIRED",
    );
    for (const client of [CLI, CONTROL_UI, { id: "openclaw-tui", mode: "ui" }]) {
      const headers = { ...REMOTE, ...(client === CONTROL_UI && { origin: "http://ok.example" }) };
      const { error } = await refusal(gateway, { client, auth: {}, identity: new TestDevice(), headers });
      expect(["PAIRING_REQUIRED", "CONTROL_UI_ORIGIN_NOT_ALLOWED"]).toContain(error.details?.code as string);
    }
  });
});

test("17: a changed secret ends the connections of the old one, but not those of device tokens", async () => {
  const gateway = await start();
  const identity = new TestDevice();
  const shared = await gateway.connect({ client: CLI, identity });
  const { deviceToken } = shared.helloPayload.auth;
  const byDevice = await gateway.connect({ client: CLI, identity, auth: { deviceToken } });
  const { config } = gateway.services;
  await Bun.write(
    config.path,
    JSON.stringify({ gateway: { auth: { mode: "token", token: "a-new-token-for-everybody" } } }),
  );
  config.refresh();
  expect(await shared.ended()).toEqual({ code: 4001, reason: "gateway auth changed" });
  expect((await byDevice.call("health")).ok).toBe(true);
  expect((await authOf(gateway, { auth: { token: "a-new-token-for-everybody" } })).method).toBe("token");
});

test("17: a secret that is changed while a connection with it is let in opens nothing", async () => {
  const gateway = await start();
  const { config, health } = gateway.services;
  const snapshot = health.snapshot.bind(health);
  health.snapshot = () => {
    config.give({ gateway: { auth: { token: "a-new-token-for-everybody" } } } as Parameters<typeof config.give>[0]);
    return snapshot();
  };
  const { error, close } = await refusal(gateway, { client: CLI, auth: { token: gateway.token } });
  expect(error.message).toBe("gateway auth changed");
  expect(close).toEqual({ code: 4001, reason: "gateway auth changed" });
});
