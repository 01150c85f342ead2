import { afterEach, describe, expect, test } from "bun:test";
import { ALL_SCOPES, type ConnectSpec, nodeSpec, startTestGateway, TestDevice, type TestGateway } from "../testing.ts";
import { authOf, CLI, CONTROL_UI, refusal, startProxied } from "./testing.ts";

const PASSWORD = "password-of-this-machine-1";
const BY_PROXY = { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https" };
const asUser = (user: string, more: Record<string, string> = {}) => ({ ...BY_PROXY, "x-auth-user": user, ...more });
const asPage = (user: string, more: Record<string, string> = {}) =>
  asUser(user, { origin: "https://ok.example", ...more });

const PROXY = {
  userHeader: "X-Auth-User",
  requiredHeaders: ["X-Forwarded-Proto"],
  allowUsers: ["nick@x.org", "admin@x.org"],
};

const gateways: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop();
});
async function start(
  trustedProxy: Record<string, unknown> = {},
  auth: Record<string, unknown> = {},
): Promise<TestGateway> {
  const gateway = await startProxied({
    controlUi: { allowedOrigins: ["https://ok.example"] },
    auth: {
      mode: "trusted-proxy",
      token: undefined,
      identityScopes: { "Admin@X.org": ["operator.admin"] },
      trustedProxy: { ...PROXY, allowLoopback: true, ...trustedProxy },
      ...auth,
    },
  });
  gateways.push(gateway);
  return gateway;
}

/** Why a proven device that comes without any secret is refused. */
async function reason(gateway: TestGateway, headers: Record<string, string>, more: ConnectSpec = {}) {
  const { error } = await refusal(gateway, { client: CLI, identity: new TestDevice(), auth: {}, headers, ...more });
  expect(error.message).toBe("unauthorized");
  return error.details;
}

describe("49: identity headers count", () => {
  test("from a trusted proxy with all that it must send", async () => {
    const gateway = await start();
    expect(await authOf(gateway, { client: CLI, auth: {}, headers: asUser("nick@x.org") })).toMatchObject({
      method: "trusted-proxy",
      scopes: [],
    });
  });

  test.each([
    ["somebody who is not allowed", asUser("mallory@x.org"), "trusted_proxy_user_not_allowed"],
    ["an allowed name in other case", asUser("Nick@x.org"), "trusted_proxy_user_not_allowed"],
    ["nobody", BY_PROXY, "trusted_proxy_user_missing"],
    ["a blank name", asUser("   "), "trusted_proxy_user_missing"],
  ])("but not for %s", async (_name, headers, authReason) => {
    expect(await reason(await start(), headers)).toEqual({
      code: "AUTH_UNAUTHORIZED",
      authReason,
      canRetryWithDeviceToken: false,
      recommendedNextStep: "review_auth_configuration",
    });
  });

  test("but not without a required header, which has a code of its own", async () => {
    const headers = { "x-forwarded-for": "203.0.113.9", "x-auth-user": "nick@x.org" };
    expect(await reason(await start(), headers)).toMatchObject({
      code: "AUTH_IDENTITY_HEADER_REQUIRED",
      authReason: "trusted_proxy_missing_header_x-forwarded-proto",
    });
  });

  test("but not from a process of this machine, unless the owner said that the proxy runs here", async () => {
    const gateway = await start({ allowLoopback: false });
    expect(await reason(gateway, asUser("nick@x.org"))).toMatchObject({ authReason: "trusted_proxy_loopback_source" });
  });

  test("but not from a process of this machine that comes without the client's address", async () => {
    const gateway = await start({ requiredHeaders: [] });
    expect(await reason(gateway, { "x-auth-user": "nick@x.org" })).toMatchObject({
      authReason: "trusted_proxy_user_missing",
    });
    const { error } = await refusal(gateway, { client: CLI, auth: {}, headers: { "x-auth-user": "nick@x.org" } });
    expect(error.code).toBe("NOT_PAIRED");
  });

  test("but not where no proxy is trusted or none is described", async () => {
    const config = { gateway: { auth: { mode: "trusted-proxy", token: undefined, trustedProxy: PROXY } } };
    const untrusting = await startTestGateway({ config } as unknown as Parameters<typeof startTestGateway>[0]);
    gateways.push(untrusting);
    expect(await reason(untrusting, {})).toMatchObject({ authReason: "trusted_proxy_no_proxies_configured" });
    expect(await reason(await start({ userHeader: undefined }), asUser("nick@x.org"))).toMatchObject({
      authReason: "trusted_proxy_config_missing",
    });
  });
});

describe("49: nodes and devices behind a proxy", () => {
  test("wait for an approval like everybody elsewhere", async () => {
    const gateway = await start();
    const headers = asUser("nick@x.org");
    for (const spec of [nodeSpec(), { client: CLI, identity: new TestDevice() }]) {
      expect((await refusal(gateway, { ...spec, auth: {}, headers })).error.details?.code).toBe("PAIRING_REQUIRED");
    }
    const { error } = await refusal(gateway, { role: "node", client: CLI, auth: {}, headers });
    expect(error.details?.code).toBe("DEVICE_IDENTITY_REQUIRED");
  });
});

describe("the password beside a proxy", () => {
  test("is for this machine alone", async () => {
    const gateway = await start({}, { password: PASSWORD });
    const auth = { password: PASSWORD };
    expect(await authOf(gateway, { client: CLI, auth })).toMatchObject({ method: "password", scopes: ALL_SCOPES });
    const elsewhere = await refusal(gateway, { client: CLI, auth, headers: BY_PROXY });
    expect(elsewhere.error.details).toMatchObject({ authReason: "trusted_proxy_user_missing" });
  });

  test("is no token", async () => {
    const gateway = await start({ requiredHeaders: [] }, { password: PASSWORD });
    const { error } = await refusal(gateway, { client: CLI, auth: { token: PASSWORD } });
    expect(error.details).toMatchObject({ code: "AUTH_UNAUTHORIZED" });
  });
});

describe("pages behind a proxy", () => {
  test("3: are judged by their origin although the proxy vouches for their user", async () => {
    const { error } = await refusal(await start(), {
      client: CONTROL_UI,
      auth: {},
      headers: asUser("nick@x.org", { origin: "https://evil.example" }),
    });
    expect(error.details?.code).toBe("CONTROL_UI_ORIGIN_NOT_ALLOWED");
  });

  test("come in without a device, with no scopes but those that the configuration gives their user", async () => {
    const gateway = await start();
    const spec = { client: CONTROL_UI, auth: {}, scopes: ["operator.admin"] };
    expect((await authOf(gateway, { ...spec, headers: asPage("nick@x.org") })).scopes).toEqual([]);
    expect((await authOf(gateway, { ...spec, headers: asPage("admin@x.org") })).scopes).toEqual(["operator.admin"]);
  });

  test("without the proxy's word need a device as anywhere", async () => {
    const { error } = await refusal(await start(), { client: CONTROL_UI, auth: {}, headers: asPage("mallory@x.org") });
    expect(error.details?.code).toBe("CONTROL_UI_DEVICE_IDENTITY_REQUIRED");
  });

  test("are held to the scopes that the proxy names", async () => {
    const gateway = await start();
    const spec = { client: CONTROL_UI, auth: {} };
    for (const cap of ["", "operator.read"]) {
      const headers = asPage("admin@x.org", { "x-openclaw-scopes": cap });
      expect((await authOf(gateway, { ...spec, headers })).scopes).toEqual([]);
    }
    const headers = asPage("admin@x.org", { "x-openclaw-scopes": "operator.read, operator.admin" });
    expect((await authOf(gateway, { ...spec, headers })).scopes).toEqual(["operator.admin"]);
  });
});

describe("devices that the proxy's word is enough for", () => {
  const AUTO = ["operator.approvals", "operator.questions", "operator.read", "operator.write"];
  const auto = (scopes?: string[]) => ({ deviceAutoApprove: { enabled: true, ...(scopes && { scopes }) } });
  const page = (user: string, scopes: string[] | undefined, more: Record<string, string> = {}): ConnectSpec => ({
    client: CONTROL_UI,
    identity: new TestDevice(),
    auth: {},
    scopes,
    headers: asPage(user, more),
  });

  test("get what they ask for of the harmless scopes, and no token as pages", async () => {
    const gateway = await start(auto());
    const auth = await authOf(gateway, page("nick@x.org", ALL_SCOPES));
    expect(auth).toMatchObject({ method: "trusted-proxy", scopes: AUTO });
    expect(auth).not.toHaveProperty("deviceToken");
    expect((await authOf(gateway, page("nick@x.org", ["operator.read"]))).scopes).toEqual([
      "operator.questions",
      "operator.read",
    ]);
    expect((await authOf(gateway, page("nick@x.org", undefined))).scopes).toEqual(AUTO);
    const cap = { "x-openclaw-scopes": "operator.read,operator.admin" };
    expect((await authOf(gateway, page("nick@x.org", ALL_SCOPES, cap))).scopes).toEqual(["operator.read"]);
  });

  test("get no more than the configuration lists, and admin only when it is listed", async () => {
    const gateway = await start(auto(["operator.read", "operator.admin"]));
    expect((await authOf(gateway, page("nick@x.org", ["operator.read", "operator.pairing"]))).scopes).toEqual([
      "operator.read",
    ]);
    expect((await authOf(gateway, page("nick@x.org", ["operator.admin"]))).scopes).toEqual(["operator.admin"]);
  });

  test("as apps get a token; command lines and nodes are not among them", async () => {
    const gateway = await start(auto());
    const app = { client: { id: "openclaw-macos", mode: "ui" }, identity: new TestDevice(), auth: {} };
    expect((await authOf(gateway, { ...app, headers: asUser("nick@x.org") })).deviceToken).toBeString();
    for (const spec of [nodeSpec(), { client: CLI, identity: new TestDevice() }]) {
      const { error } = await refusal(gateway, { ...spec, auth: {}, headers: asUser("nick@x.org") });
      expect(error.details?.code).toBe("PAIRING_REQUIRED");
    }
  });
});

describe("50: who Tailscale's headers name", () => {
  test("is nobody on this listener", async () => {
    const gateway = await startProxied();
    gateways.push(gateway);
    const headers = { ...BY_PROXY, "x-forwarded-host": "box.ts.net", "tailscale-user-login": "nick@x.org" };
    expect((await refusal(gateway, { auth: {}, headers })).error.details?.code).toBe("DEVICE_IDENTITY_REQUIRED");
  });
});

describe("47: forwarding headers from whom nobody trusts", () => {
  test.each(["x-forwarded-for", "x-real-ip", "forwarded", "x-forwarded-user", "x-forwarded-port"])(
    "%s takes the loopback rights away before a credential is read",
    async (name) => {
      const gateway = await startTestGateway();
      gateways.push(gateway);
      const headers = { [name]: "203.0.113.9", authorization: `Bearer ${gateway.token}` };
      const response = await fetch(`${gateway.httpUrl}/status`, { headers });
      expect(response.status).toBe(403);
      expect(((await response.json()) as { error: { type: string } }).error.type).toBe("proxy_attribution_required");
    },
  );
});
