import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ManualClock } from "../../platform/clock.ts";
import { type ConnectSpec, TestDevice, type TestGateway } from "../testing.ts";
import { authOf, CLI, CONTROL_UI, pairLocally, REMOTE, refusal, startProxied } from "./testing.ts";

/**
 * Every row of BEHAVIOUR section 3, and the words that release 2026.9.6 answers with, as measured on its socket.
 */

interface Row {
  name: string;
  spec(): ConnectSpec | Promise<ConnectSpec>;
  code?: string;
  message: string;
  details?: Record<string, unknown>;
  /** When it is not the message. */
  reason?: string;
}

const UPDATE = { canRetryWithDeviceToken: false, recommendedNextStep: "update_auth_credentials" };
const CONFIGURE = { canRetryWithDeviceToken: false, recommendedNextStep: "update_auth_configuration" };
const REVIEW = { canRetryWithDeviceToken: false, recommendedNextStep: "review_auth_configuration" };
const mismatch = { code: "AUTH_TOKEN_MISMATCH", authReason: "token_mismatch" };
const missing = { code: "AUTH_TOKEN_MISSING", authReason: "token_missing", ...CONFIGURE };
const deviceMismatch = { code: "AUTH_DEVICE_TOKEN_MISMATCH", authReason: "device_token_mismatch", ...UPDATE };

const NO_DEVICE = {
  code: "NOT_PAIRED",
  message: "device identity required",
  details: { code: "DEVICE_IDENTITY_REQUIRED" },
};
const NO_UI_DEVICE = {
  message: "control ui requires device identity (use HTTPS or localhost secure context)",
  details: { code: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED" },
};
const TOKEN_MISMATCH = "unauthorized: gateway token mismatch";
const LOCAL_PAGE = { headers: { origin: "http://localhost:5173" } };

let gateway: TestGateway;
const clock = new ManualClock();
beforeAll(async () => {
  gateway = await startProxied({ auth: { rateLimit: { maxAttempts: 1000, exemptLoopback: false } } }, { clock });
});
afterAll(() => gateway.stop());

const fresh = () => new TestDevice();

const rows: Row[] = [
  { name: "no auth", spec: () => ({ auth: undefined }), ...NO_DEVICE },
  { name: "empty auth", spec: () => ({ auth: {} }), ...NO_DEVICE },
  { name: "an empty token", spec: () => ({ auth: { token: "" } }), ...NO_DEVICE },
  { name: "a blank token", spec: () => ({ auth: { token: "  " } }), ...NO_DEVICE },
  { name: "a device token without a device", spec: () => ({ auth: { deviceToken: "x" } }), ...NO_DEVICE },
  { name: "a setup token without a device", spec: () => ({ auth: { bootstrapToken: "x" } }), ...NO_DEVICE },
  { name: "14: a node without a device", spec: () => ({ role: "node" }), ...NO_DEVICE },
  {
    name: "7: a wrong token without a device",
    spec: () => ({ auth: { token: "wrong" } }),
    message: `${TOKEN_MISMATCH} (provide gateway auth token)`,
    details: { ...mismatch, ...UPDATE },
  },
  {
    name: "a wrong password without a device",
    spec: () => ({ auth: { password: "wrong" } }),
    message: `${TOKEN_MISMATCH} (provide gateway auth token)`,
    details: { ...mismatch, ...UPDATE },
  },
  {
    name: "a wrong token, although the password field has the right one",
    spec: () => ({ auth: { token: "wrong", password: gateway.token } }),
    message: `${TOKEN_MISMATCH} (provide gateway auth token)`,
    details: { ...mismatch, ...UPDATE },
  },
  {
    name: "a wrong token of a proven device",
    spec: () => ({ client: CLI, auth: { token: "wrong" }, identity: fresh() }),
    message: `${TOKEN_MISMATCH} (use this gateway's gateway.auth.token or pair the device)`,
    details: { ...mismatch, canRetryWithDeviceToken: true, recommendedNextStep: "retry_with_device_token" },
  },
  {
    name: "a wrong token of a command line elsewhere",
    spec: () => ({ client: CLI, auth: { token: "wrong" }, headers: REMOTE }),
    message: `${TOKEN_MISMATCH} (set gateway.remote.token to match gateway.auth.token)`,
    details: { ...mismatch, ...UPDATE },
  },
  {
    name: "a wrong token of a page",
    spec: () => ({ client: CONTROL_UI, auth: { token: "wrong" }, identity: fresh(), ...LOCAL_PAGE }),
    message: `${TOKEN_MISMATCH} (open the dashboard URL and paste the token in Control UI settings)`,
    details: { ...mismatch, canRetryWithDeviceToken: true, recommendedNextStep: "retry_with_device_token" },
  },
  {
    name: "a device without a secret",
    spec: () => ({ client: CLI, auth: {}, identity: fresh() }),
    message: "unauthorized: gateway token missing (use this gateway's gateway.auth.token or pair the device)",
    details: missing,
  },
  {
    name: "a page with a device and without a secret",
    spec: () => ({ client: CONTROL_UI, auth: {}, identity: fresh(), ...LOCAL_PAGE }),
    message:
      "unauthorized: gateway token missing (paste in Control UI settings or openclaw doctor --generate-gateway-token; restart)",
    details: missing,
  },
  {
    name: "an unknown setup token",
    spec: () => ({ client: CLI, auth: { bootstrapToken: "bogus" }, identity: fresh() }),
    message:
      "unauthorized: setup code invalid, expired, revoked, or already used (create a new code; review `openclaw devices list`)",
    details: { code: "AUTH_BOOTSTRAP_TOKEN_INVALID", authReason: "bootstrap_token_invalid", ...REVIEW },
  },
  {
    name: "an unknown device token",
    spec: () => ({ client: CLI, auth: { deviceToken: "bogus" }, identity: fresh() }),
    message: "unauthorized: device token mismatch (rotate/reissue device token)",
    details: deviceMismatch,
  },
  {
    name: "15: the device token of another device",
    spec: async () => ({
      client: CLI,
      auth: { deviceToken: await pairLocally(gateway, fresh()) },
      identity: fresh(),
    }),
    message: "unauthorized: device token mismatch (rotate/reissue device token)",
    details: deviceMismatch,
  },
  {
    name: "15: a device token without its device",
    spec: async () => ({ client: CLI, auth: { token: await pairLocally(gateway, fresh()) } }),
    message: `${TOKEN_MISMATCH} (use this gateway's gateway.auth.token or pair the device)`,
    details: { ...mismatch, ...UPDATE },
  },
  {
    name: "11: more scopes than the device token has",
    spec: async () => {
      const identity = fresh();
      const deviceToken = await pairLocally(gateway, identity, ["operator.read"]);
      return { client: CLI, auth: { deviceToken }, identity, scopes: ["operator.read", "operator.admin"] };
    },
    message: "unauthorized: device token scope mismatch (re-pair or approve scope upgrade)",
    details: { code: "AUTH_SCOPE_MISMATCH", authReason: "scope_mismatch", ...REVIEW },
  },
  {
    name: "an operator's device token as a node",
    spec: async () => {
      const identity = fresh();
      const deviceToken = await pairLocally(gateway, identity);
      return { client: { id: "node-host", mode: "node" }, role: "node", auth: { deviceToken }, identity };
    },
    message: "unauthorized: device token mismatch (rotate/reissue device token)",
    details: deviceMismatch,
  },
  { name: "the control UI without a device", spec: () => ({ client: CONTROL_UI, ...LOCAL_PAGE }), ...NO_UI_DEVICE },
  {
    name: "the control UI without a device, before its secret is looked at",
    spec: () => ({ client: CONTROL_UI, auth: { token: "wrong" }, ...LOCAL_PAGE }),
    ...NO_UI_DEVICE,
  },
  {
    name: "a browser extension without its capabilities",
    spec: () => ({ client: { id: "openclaw-browser-copilot", mode: "ui" } }),
    message: "browser copilot requires ui mode with run-tool-bindings and session-scoped-events capabilities",
  },
  {
    name: "a browser extension from a page",
    spec: () => ({
      client: { id: "openclaw-browser-copilot", mode: "ui" },
      caps: ["run-tool-bindings", "session-scoped-events"],
      ...LOCAL_PAGE,
    }),
    message: "browser copilot requires a canonical Chrome extension origin",
    details: { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: "invalid browser copilot origin" },
  },
];

describe("a connect is refused, answered and then closed:", () => {
  test.each(rows)("$name", async ({ spec, code = "INVALID_REQUEST", message, details, reason = message }) => {
    expect(await refusal(gateway, await spec())).toEqual({
      error: { code, message, ...(details && { details }) },
      close: { code: 1008, reason },
    });
  });
});

describe("a connect is accepted:", () => {
  test("with the secret in either field, blanks around it ignored", async () => {
    for (const auth of [
      { token: gateway.token },
      { password: gateway.token },
      { token: ` ${gateway.token} ` },
      { token: "", password: gateway.token },
      { token: gateway.token, password: "wrong" },
    ]) {
      expect((await authOf(gateway, { auth })).method).toBe("token");
    }
  });

  test("with the secret, whatever other credentials say", async () => {
    const auth = { token: gateway.token, deviceToken: "bogus", bootstrapToken: "bogus" };
    expect((await authOf(gateway, { client: CLI, auth, identity: fresh() })).method).toBe("token");
  });

  test("with a device token in either field, also when the secret beside it is wrong", async () => {
    const identity = fresh();
    const token = await pairLocally(gateway, identity);
    for (const auth of [{ deviceToken: token }, { token }, { token: "wrong", deviceToken: token }]) {
      const hello = await authOf(gateway, { client: CLI, auth, identity });
      expect(hello).toMatchObject({ method: "device-token", deviceToken: token, issuedAtMs: clock.now() });
    }
  });

  test("an operator without a device gets no token, and a name for what it keeps", async () => {
    const auth = await authOf(gateway, {});
    expect(Object.keys(auth).sort()).toEqual(["method", "recoveryScope", "role", "scopes"]);
    expect(auth).toMatchObject({ method: "token", role: "operator" });
    expect((await authOf(gateway, {})).recoveryScope).toBe(auth.recoveryScope as string);
  });

  test("a node gets a token and nothing that is for operators", async () => {
    const identity = fresh();
    const auth = await authOf(gateway, { role: "node", client: { id: "node-host", mode: "node" }, identity });
    expect(auth).toEqual({
      method: "token",
      role: "node",
      scopes: [],
      deviceToken: expect.stringMatching(/^[\w-]{43}$/),
      issuedAtMs: clock.now(),
    });
  });

  test("a device that comes back with the secret gets the token it has", async () => {
    const identity = fresh();
    const first = await authOf(gateway, { client: CLI, identity });
    clock.advance(1000);
    expect(await authOf(gateway, { client: CLI, identity })).toEqual(first);
    expect(first).toMatchObject({ recoveryMigrationAllowed: true, recoveryScope: expect.any(String) });
  });
});
