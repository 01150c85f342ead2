import { afterEach, expect, test } from "bun:test";
import { startTestGateway, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startTestGateway>): Promise<TestGateway> {
  const gateway = await startTestGateway(...options);
  ends.push(() => gateway.stop());
  return gateway;
}

type Client = Awaited<ReturnType<TestGateway["connect"]>>;
const KEY = "agent:main:main";
const follow = (client: Client) =>
  client.request("sessions.messages.subscribe", { key: "main", includeApprovals: true });
const ask = (client: Client, id: string, sessionKey = KEY) =>
  client.call("exec.approval.request", {
    id,
    command: "ls",
    sessionKey,
    twoPhase: true,
    requireDeliveryRoute: false,
  });

test("whoever has a conversation open hears of the approvals that it asks for", async () => {
  const clock = new ManualClock();
  const gateway = await start({ clock });
  const runner = await gateway.connect();
  const scopes = ["operator.read", "operator.approvals"];
  const reader = await gateway.connect({ scopes, identity: new TestDevice() });
  const silent = await gateway.connect();
  await silent.call("sessions.messages.subscribe", { key: "main" });
  await ask(runner, "before");
  await ask(runner, "elsewhere", "agent:main:other");
  const now = clock.now();
  const pending = (id: string) => ({ id, status: "pending", urlPath: `/approve/${id}`, createdAtMs: now });
  const { approvalReplay } = (await follow(reader)).payload;
  expect(approvalReplay).toMatchObject({
    sessionKey: KEY,
    updatedAtMs: now,
    approvals: [{ ...pending("before"), sourceSessionKey: KEY }],
    truncated: false,
  });
  await ask(runner, "after");
  const opened = await reader.event("session.approval", () => true, 0);
  const common = { sessionKey: KEY, sourceSessionKey: KEY, updatedAtMs: now };
  expect(opened.payload).toMatchObject({ ...common, phase: "pending", approval: pending("after") });
  await runner.call("exec.approval.resolve", { id: "before", decision: "deny" });
  const ended = await reader.event("session.approval", ({ phase }) => phase === "terminal", 0);
  expect(ended.payload).toMatchObject({ ...common, approval: { id: "before", status: "denied", reason: "user" } });
  expect(ended.payload.approval.resolver).toBeUndefined();
  await reader.call("sessions.messages.unsubscribe", { key: "main" });
  await ask(runner, "unheard");
  await reader.call("health");
  expect(reader.events("session.approval")).toHaveLength(2);
  await silent.call("health");
  expect(silent.events("session.approval")).toEqual([]);
});

test("to follow them takes the scope, and a device or administration", async () => {
  const gateway = await start();
  const refused = [
    { scopes: ["operator.read"], identity: new TestDevice() },
    { scopes: ["operator.read", "operator.approvals"] },
  ];
  for (const spec of refused) {
    const client = await gateway.connect(spec);
    expect((await follow(client)).error).toMatchObject({
      code: "INVALID_REQUEST",
      message:
        "sessions.messages.subscribe includeApprovals requires a paired device and gateway scope: operator.approvals",
    });
  }
  expect((await follow(await gateway.connect())).ok).toBe(true);
});
