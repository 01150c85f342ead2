import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";
import { answerNext, connectApproved, connectNode, type TestNode } from "./testing.ts";

const commands = ["system.which"];
const identity = new TestDevice();
let stateDir: string;
let clock: ManualClock;
let gateway: TestGateway;
let operator: TestClient;
let node: TestNode;

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-test-"));
  clock = new ManualClock(Date.now());
  gateway = await startTestGateway({ stateDir, clock });
  operator = await gateway.connect({ identity });
  node = await connectApproved(gateway, { commands });
});
afterEach(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const ask = (key: string, client = operator) =>
  client.request("node.invoke", { nodeId: node.id, command: "system.which", idempotencyKey: key, timeoutMs: 0 });
const heard = (): number => node.client.events("node.invoke.request").length;

async function restart(): Promise<void> {
  await gateway.stop();
  gateway = await startTestGateway({ stateDir, clock });
  operator = await gateway.connect({ identity });
  node = await connectNode(gateway, { device: node.device, commands });
}

/** Asks and has the node answer. */
async function done(key: string, payload: unknown, client = operator) {
  const from = node.client.frames.length;
  const answered = ask(key, client);
  await answerNext(node, { ok: true, payload }, from);
  return answered;
}

test("an answer is given again after a restart, until its time is over", async () => {
  const first = await done("k", { n: 1 });
  await restart();
  expect((await ask("k")).payload).toEqual(first.payload);
  expect(heard()).toBe(0);
  clock.advance(LIMITS.idempotencyTtlMs + 1);
  expect((await done("k", { n: 2 })).payload.payload).toEqual({ n: 2 });
});

test("what was under way at a restart is not done again without a word", async () => {
  const cut = ask("k").catch(() => null);
  await node.client.event("node.invoke.request");
  await restart();
  await cut;
  const { error } = await ask("k");
  expect(error).toMatchObject({
    code: "UNAVAILABLE",
    details: { code: "OUTCOME_UNKNOWN", nodeCommandDispatched: true },
  });
  expect(heard()).toBe(0);
  expect((await done("another", 1)).ok).toBe(true);
});

test("the key of one caller says nothing of another's", async () => {
  await done("k", "for the first");
  const second = await gateway.connect({ identity: new TestDevice() });
  expect((await done("k", "for the second", second)).payload.payload).toBe("for the second");
  expect(heard()).toBe(2);
});

test("answers that are too large, and failures, are not kept", async () => {
  const large = "x".repeat(LIMITS.nodeInvokeRememberedChars);
  await done("large", large);
  expect((await done("large", "again")).payload.payload).toBe("again");
  const from = node.client.frames.length;
  const failing = ask("failing");
  await answerNext(node, { ok: false, error: { code: "X", message: "no" } }, from);
  expect((await failing).ok).toBe(false);
  expect((await done("failing", "well")).ok).toBe(true);
});

test("no more are kept than the bound", async () => {
  const insert = gateway.services.store.db.query(
    "INSERT INTO node_invocations (id, device_id, began_at, ended_at, answer) VALUES (?, ?, ?, ?, '{}')",
  );
  for (let n = 0; n < LIMITS.nodeInvokesRemembered + 20; n++) insert.run(`old-${n}`, node.id, clock.now(), clock.now());
  await done("k", 1);
  const { kept } = gateway.services.store.db.query("SELECT count(*) AS kept FROM node_invocations").get() as {
    kept: number;
  };
  expect(kept).toBeLessThanOrEqual(LIMITS.nodeInvokesRemembered + 1);
});
