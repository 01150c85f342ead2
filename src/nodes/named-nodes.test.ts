import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";
import { connectNode } from "./testing.ts";

let stateDir: string;
let gateway: TestGateway;
let clock: ManualClock;
let older: TestClient;

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-test-"));
  clock = new ManualClock(Date.now());
  await start();
});
afterEach(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  gateway = await startTestGateway({ stateDir, clock });
  older = await gateway.connect({ minProtocol: 3, maxProtocol: 3 });
}

const facts = { displayName: "Attic", platform: "linux", caps: ["system"], commands: ["system.run"] };
const request = (nodeId = "attic", client = older) => client.request("node.pair.request", { nodeId, ...facts });
const verify = (nodeId: string, token: string) => older.call("node.pair.verify", { nodeId, token });

test("a client of wire 3 pairs a node by name; its token is good until it gets another, over restarts", async () => {
  const { payload } = await request();
  const { requestId } = payload.request;
  expect(payload).toMatchObject({ status: "pending", created: true, request: { nodeId: "attic", ...facts } });
  expect((await request()).payload).toEqual({ ...payload, created: false });
  expect((await older.call("node.pair.list")).pending).toEqual([payload.request]);
  const { node } = await older.call("node.pair.approve", { requestId });
  expect(await verify("attic", node.token)).toEqual({ ok: true, node: expect.objectContaining({ nodeId: "attic" }) });
  await gateway.stop();
  await start();
  const { token, ...known } = node;
  expect(await verify("attic", token)).toEqual({ ok: true, node: known });
  expect((await older.call("node.pair.list")).paired).toEqual([known]);
  for (const [id, wrong] of [
    ["attic", `${token}x`],
    ["attic", "x"],
    ["cellar", token],
  ] as const) {
    expect(await verify(id, wrong)).toEqual({ ok: false });
  }
  const again = (await request()).payload.request.requestId;
  const renewed = (await older.call("node.pair.approve", { requestId: again })).node.token;
  expect(await verify("attic", token)).toEqual({ ok: false });
  expect((await verify("attic", renewed)).ok).toBe(true);
  await older.call("node.pair.remove", { nodeId: "attic" });
  expect(await verify("attic", renewed)).toEqual({ ok: false });
});

test("its token lies nowhere in the state", async () => {
  const { requestId } = (await request()).payload.request;
  const { token } = (await older.call("node.pair.approve", { requestId })).node;
  const files = readdirSync(stateDir).filter((name) => name.startsWith("chela.sqlite"));
  for (const name of files) expect(readFileSync(join(stateDir, name), "latin1")).not.toContain(token);
});

test("its token opens no connection and lends no commands", async () => {
  const { requestId } = (await request()).payload.request;
  const { token } = (await older.call("node.pair.approve", { requestId })).node;
  for (const auth of [{ token }, { deviceToken: token }, { bootstrapToken: token }]) {
    const client = await gateway.open();
    await expect(client.hello({ auth, role: "node", client: { id: "node-host", mode: "node" } })).rejects.toThrow();
  }
  const call = { nodeId: "attic", command: "system.run", idempotencyKey: "k" };
  expect((await older.request("node.invoke", call)).error.details.code).toBe("PAIRING_CHANGED");
  expect((await older.call("node.list")).nodes).toEqual([]);
});

test("who may not approve such commands cannot approve the node", async () => {
  const { requestId } = (await request()).payload.request;
  const manager = await gateway.connect({ scopes: ["operator.pairing", "operator.write"] });
  const { error } = await manager.request("node.pair.approve", { requestId });
  expect(error.details.missingScope).toBe("operator.admin");
  await older.call("node.pair.reject", { requestId });
  expect((await older.request("node.pair.approve", { requestId })).error.message).toBe("unknown requestId");
});

test("requests expire, are bounded, and take no device's id", async () => {
  const { requestId } = (await request()).payload.request;
  clock.advance(LIMITS.pairingRequestTtlMs);
  expect((await older.request("node.pair.approve", { requestId })).error.message).toBe("unknown requestId");
  const device = await connectNode(gateway);
  expect((await request(device.id)).error.message).toBe("a paired device has this nodeId");
  for (let n = 0; n < LIMITS.namedNodes; n++) expect((await request(`n${n}`)).ok).toBe(true);
  expect((await request("one-more")).error.code).toBe("UNAVAILABLE");
});

test("to clients of wire 4 it is an unknown method, as upstream has it, and others need operator.pairing", async () => {
  const client = await gateway.connect();
  for (const method of ["node.pair.request", "node.pair.verify"]) {
    expect((await client.request(method, {})).error.message).toBe(`unknown method: ${method}`);
    const writer = await gateway.connect({ scopes: ["operator.write"] });
    expect((await writer.request(method, {})).error.details.missingScope).toBe("operator.admin");
    const limited = await gateway.connect({ scopes: ["operator.write"], minProtocol: 3, maxProtocol: 3 });
    expect((await limited.request(method, {})).error.details.missingScope).toBe("operator.pairing");
  }
});
