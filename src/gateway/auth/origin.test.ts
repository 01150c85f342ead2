import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TestDevice, type TestGateway } from "../testing.ts";
import { authOf, CLI, CONTROL_UI, REMOTE, refusal, startProxied } from "./testing.ts";

const WEBCHAT = { id: "webchat-ui", mode: "webchat" };
const BACKEND = { id: "gateway-client", mode: "backend" };
const REFUSED =
  "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startProxied({ controlUi: { allowedOrigins: ["https://ok.example", "http://plain.example:8080"] } });
});
afterAll(() => gateway.stop());

const connect = (
  origin: string,
  client: Record<string, unknown> = CONTROL_UI,
  headers: Record<string, string> = {},
) => ({
  client,
  identity: new TestDevice(),
  headers: { origin, ...headers },
});
const refusedWith = async (spec: Parameters<typeof refusal>[1]) => {
  const { error, close } = await refusal(gateway, spec);
  expect(error).toMatchObject({ code: "INVALID_REQUEST", message: REFUSED });
  expect(close).toEqual({ code: 1008, reason: REFUSED });
  return error.details;
};

describe("3: a page is judged by its origin, whatever client it says it is", () => {
  test.each([CONTROL_UI, WEBCHAT, CLI, BACKEND, { id: "openclaw-macos", mode: "ui" }])("$id/$mode", async (client) => {
    const foreign = connect("https://evil.example", client);
    expect(await refusedWith(foreign)).toEqual({ code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: "origin not allowed" });
    expect(await refusedWith({ ...foreign, identity: undefined })).toMatchObject({ reason: "origin not allowed" });
  });

  test("before its secret and its proof are looked at", async () => {
    const spec = { ...connect("https://evil.example"), device: { id: "dead" }, auth: { token: "wrong" } };
    expect(await refusedWith(spec)).toMatchObject({ reason: "origin not allowed" });
  });
});

describe("4: origins are compared as scheme, host and port", () => {
  test.each([
    "https://ok.example",
    "https://OK.example",
    "https://ok.example:443",
    "http://plain.example:8080",
    "http://127.0.0.1:1",
    "http://localhost:5173",
    "http://[::1]:9",
  ])("%s is allowed", async (origin) => {
    expect((await authOf(gateway, connect(origin))).method).toBe("token");
  });

  test.each([
    "http://ok.example",
    "https://ok.example:8443",
    "https://ok.example.evil.example",
    "https://evil-ok.example",
    "https://ok.example.",
    "http://plain.example",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://10.0.0.1",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
  ])("%s is not", async (origin) => {
    expect(await refusedWith(connect(origin))).toMatchObject({ reason: "origin not allowed" });
  });

  test.each(["null", "file://", "https://user@ok.example", "ok.example", "https://", "*"])(
    "%s is no origin",
    async (origin) => {
      expect(await refusedWith(connect(origin))).toMatchObject({ reason: "origin missing or invalid" });
    },
  );

  test.each([CONTROL_UI, WEBCHAT, { id: "webchat", mode: "webchat" }])("$id without one", async (client) => {
    expect(await refusedWith({ client, identity: new TestDevice() })).toMatchObject({
      reason: "origin missing or invalid",
    });
  });
});

describe("5: what the Host header says counts for nothing", () => {
  test("a name that leads to this machine", async () => {
    const headers = { host: "evil.example:18789" };
    expect(await refusedWith(connect("http://evil.example:18789", CONTROL_UI, headers))).toMatchObject({
      reason: "origin not allowed",
    });
  });

  test("unless the owner says so, and then exactly", async () => {
    const trusting = await startProxied({ controlUi: { dangerouslyAllowHostHeaderOriginFallback: true } });
    const headers = { host: "gate.example:18789" };
    const spec = connect("http://gate.example:18789", CONTROL_UI, headers);
    expect((await authOf(trusting, spec)).method).toBe("token");
    const other = connect("http://gate.example", CONTROL_UI, headers);
    expect((await refusal(trusting, other)).error.message).toBe(REFUSED);
    await trusting.stop();
  });
});

test("a page of this machine is one only on this machine", async () => {
  const spec = connect("http://127.0.0.1:5173", CONTROL_UI, REMOTE);
  expect(await refusedWith(spec)).toMatchObject({ reason: "origin not allowed" });
});

test("an asterisk allows every page, which its secret and device still have to follow", async () => {
  const open = await startProxied({ controlUi: { allowedOrigins: ["*"] } });
  expect((await authOf(open, connect("https://anywhere.example"))).method).toBe("token");
  const { error } = await refusal(open, connect("https://anywhere.example", CONTROL_UI, REMOTE));
  expect(error.details?.code).toBe("PAIRING_REQUIRED");
  await open.stop();
});
