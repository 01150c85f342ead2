import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { nodeSpec, startTestGateway, type TestGateway } from "./testing.ts";
import { rawRequest } from "./testing-raw.ts";

const STRANGER = "203.0.113.9";
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const upgrade = (...headers: string[]) => [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${KEY}`,
  ...headers,
];

describe("47: a forwarding header takes away what being on this machine gives", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  test.each([
    `X-Forwarded-For: ${STRANGER}`,
    "X-Forwarded-For: 127.0.0.1",
    `Forwarded: for=${STRANGER}`,
    `X-Real-IP: ${STRANGER}`,
  ])("%s is refused before credentials are read", async (header) => {
    const socket = await rawRequest(gateway.httpUrl, upgrade(header));
    expect(socket.statuses).toEqual([403]);
    expect(socket.text).toContain("proxy_attribution_required");
    const http = ["GET /status HTTP/1.1", "Host: 127.0.0.1", `Authorization: Bearer ${gateway.token}`, header];
    expect((await rawRequest(gateway.httpUrl, http)).statuses).toEqual([403]);
  });

  test("50: headers that name a user of some network log nobody in", async () => {
    const headers = { "Tailscale-User-Login": "owner@example.org", "Tailscale-User-Name": "Owner" };
    const client = await gateway.open({ headers });
    await expect(client.hello({ auth: {} })).rejects.toMatchObject({ details: { code: expect.any(String) } });
    expect((await client.ended()).code).toBe(1008);
    expect((await fetch(`${gateway.httpUrl}/status`, { headers })).status).toBe(401);
  });
});

describe("48: behind a trusted proxy", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({ config: { gateway: { trustedProxies: ["127.0.0.1"] } } as never });
  });
  afterAll(() => gateway.stop());

  test.each([`127.0.0.1, ${STRANGER}`, `${STRANGER}, 127.0.0.1`, `::ffff:${STRANGER}`, `10.0.0.1, ${STRANGER}`])(
    "8, 10: the chain %s is a client elsewhere, whose own word gives it no scopes",
    async (chain) => {
      const { helloPayload } = await gateway.connect({ headers: { "X-Forwarded-For": chain } });
      expect(helloPayload.auth.scopes).toEqual([]);
    },
  );

  test("10: asking for no scopes gives none, from here as from elsewhere", async () => {
    for (const headers of [undefined, { "X-Forwarded-For": STRANGER }]) {
      const { helloPayload } = await gateway.connect({ headers, scopes: undefined });
      expect(helloPayload.auth.scopes).toEqual([]);
    }
  });

  test("8: nor may it call what needs one", async () => {
    const client = await gateway.connect({ headers: { "X-Forwarded-For": STRANGER } });
    const { error } = await client.request("config.get", {});
    expect(error).toMatchObject({ code: "FORBIDDEN", details: { code: "MISSING_SCOPE" } });
  });

  test.each([
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-For: not-an-ip",
    "X-Forwarded-For: ",
    `X-Real-IP: ${STRANGER}`,
    "X-Forwarded-For: 127.0.0.1, 127.0.0.1",
  ])("%s names nobody and is refused", async (header) => {
    expect((await rawRequest(gateway.httpUrl, upgrade(header))).statuses).toEqual([403]);
  });
});

describe("49: in trusted-proxy mode", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    const auth = { mode: "trusted-proxy", token: undefined, trustedProxy: { userHeader: "x-forwarded-user" } };
    gateway = await startTestGateway({ config: { gateway: { trustedProxies: ["127.0.0.1"], auth } } as never });
  });
  afterAll(() => gateway.stop());

  test.each([{}, { role: "node" }])("a process on this machine cannot name a user, as %j", async (who) => {
    const headers = { "X-Forwarded-User": "admin", "X-Forwarded-For": STRANGER };
    const client = await gateway.open({ headers });
    await expect(client.hello({ auth: undefined, ...who })).rejects.toMatchObject({ code: expect.any(String) });
    expect((await client.ended()).code).toBe(1008);
    expect((await fetch(`${gateway.httpUrl}/status`, { headers })).status).toBe(401);
  });

  test("without the client's address the header counts for nothing", async () => {
    expect((await rawRequest(gateway.httpUrl, upgrade("X-Forwarded-User: admin"))).statuses).not.toEqual([101]);
  });
});

describe("36: roles do not mix", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  test.each(["config.get", "chat.send", "sessions.list", "device.pair.approve", "nope.x"])(
    "a node may not call %s",
    async (method) => {
      const node = await gateway.connect(nodeSpec());
      const { error } = await node.request(method, {});
      expect(error).toMatchObject({ code: "INVALID_REQUEST", message: "unauthorized role: node" });
    },
  );

  test("a node that asks for scopes of operators is not let in by itself", async () => {
    const wish = gateway.connect({ ...nodeSpec(), scopes: ["operator.admin"] });
    await expect(wish).rejects.toMatchObject({ code: "NOT_PAIRED", details: { code: "PAIRING_REQUIRED" } });
  });
});
