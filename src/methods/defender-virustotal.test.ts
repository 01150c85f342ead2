import { afterAll, beforeAll, expect, test } from "bun:test";
import type { GatewayConfig } from "../../generated/config.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

const KEY = "0123456789abcdef".repeat(4);

let status = 200;
const keys: (string | null)[] = [];
const service = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => {
    keys.push(request.headers.get("x-apikey"));
    if (status !== 200) return Response.json({ error: { code: "TransientError", message: "" } }, { status });
    const last_analysis_stats = { harmless: 60, malicious: 7, suspicious: 1, undetected: 20, timeout: 0 };
    const attributes = { last_analysis_stats, last_analysis_date: Math.floor(Date.now() / 1000) - 60 };
    return Response.json({ data: { type: "url", id: "x", attributes } });
  },
});
let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  const baseUrl = `http://127.0.0.1:${service.port}/api/v3`;
  const virustotal = { apiKey: KEY, baseUrl, waitMs: 1500 };
  const config = { security: { defender: { virustotal } } } as unknown as Partial<GatewayConfig>;
  gateway = await startTestGateway({ config });
  client = await gateway.connect();
});
afterAll(async () => {
  await gateway.stop();
  await service.stop(true);
});

test("an address that engines call malicious is blocked, and the key is told to nobody else", async () => {
  const subject = { kind: "url", text: "https://example.org/a", origin: "owner" };
  const { verdict, findings } = await client.call("defender.check", subject);
  expect(verdict).toBe("block");
  expect(findings).toEqual([
    { id: "virustotal.engines", score: 90, reason: "7 of 88 engines call the address malicious, 1 suspicious." },
  ]);
  expect(keys).toEqual([KEY]);
  expect(JSON.stringify(await client.call("config.get", {}))).not.toContain(KEY);
});

test("what counts when nobody answers is for the policy to say", async () => {
  status = 503;
  const subject = { kind: "url", subject: "https://example.org/b", origin: "owner" };
  expect((await client.call("defender.policy.test", { ...subject, document: { version: 1 } })).verdict).toBe("allow");
  const document = { version: 1, rules: { "virustotal.unavailable": 60 } };
  expect(await client.call("defender.policy.test", { ...subject, document })).toMatchObject({
    verdict: "review",
    decidedBy: "virustotal.unavailable",
  });
});
