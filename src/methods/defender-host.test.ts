import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let folder: string;
let guarded: string;
let feed: string;
let gateway: TestGateway;
let client: TestClient;

const start = async () => {
  const defender = { host: { paths: [guarded] }, telemetry: { feed } };
  const config = { security: { defender } } as unknown as Partial<GatewayConfig>;
  gateway = await startTestGateway({ stateDir: join(folder, "state"), config });
  client = await gateway.connect();
};
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "chela-host-"));
  mkdirSync(join(folder, "state"));
  guarded = join(folder, "crontab");
  feed = join(folder, "sensor.jsonl");
  writeFileSync(guarded, "mine");
  await start();
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

const own = ({ findings }: { findings: { path: string; problem: string }[] }) =>
  findings.filter(({ path }) => path === guarded);
const check = async () =>
  (await client.call("defender.check", { kind: "url", text: "https://example.org/", origin: "owner" })) as {
    score: number;
    findings: { id: string }[];
  };

test("a changed file raises the risk of what is done, over a restart, until somebody accepts it", async () => {
  const first = await client.call("defender.host.check", {});
  expect(first.paths).toContainEqual({ path: guarded, guarded: "other", state: "file" });
  expect(own(first)).toEqual([]);
  writeFileSync(guarded, "not mine");
  expect(own(await client.call("defender.host.check", {}))).toMatchObject([{ problem: "content", guarded: "other" }]);
  await gateway.stop();
  await start();
  expect(await check()).toMatchObject({ score: 35, findings: [{ id: "host.other-content" }] });
  const settled = await client.call("defender.host.accept", { paths: [guarded] });
  expect(settled).toMatchObject({ enabled: true, risk: 0 });
  expect(own(settled)).toEqual([]);
  expect((await check()).score).toBe(0);
}, 30_000);

test("a sensor's severe event raises it too", async () => {
  writeFileSync(feed, `${JSON.stringify({ timestampMs: Date.now(), level: "critical", tags: ["c2"] })}\n`);
  let found = await check();
  // The feed is looked at once in a while.
  for (let tries = 0; tries < 100 && found.score === 0; tries++) {
    await Bun.sleep(20);
    found = await check();
  }
  expect(found).toMatchObject({ score: 45, findings: [{ id: "telemetry.severe" }] });
});

test("take their scopes, and guarded paths alone", async () => {
  const reader = await gateway.connect({ scopes: ["operator.read"] });
  const approver = await gateway.connect({ scopes: ["operator.approvals"] });
  expect((await reader.request("defender.host.status", {})).error.code).toBe("FORBIDDEN");
  expect((await approver.request("defender.host.status", {})).ok).toBe(true);
  expect((await approver.request("defender.host.accept", { all: true })).error.code).toBe("FORBIDDEN");
  for (const params of [{}, { all: true, paths: [guarded] }, { paths: ["/etc/shadow"] }, { paths: [] }]) {
    expect((await client.request("defender.host.accept", params)).error.code).toBe("INVALID_REQUEST");
  }
});
