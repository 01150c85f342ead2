import { afterEach, describe, expect, test } from "bun:test";
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
const ask = (client: Client, id: string, more: object = {}) =>
  client.request("exec.approval.request", {
    id,
    command: "ls",
    twoPhase: true,
    requireDeliveryRoute: false,
    agentId: "main",
    ...more,
  });

describe("approvals of every kind", () => {
  test("are shown while they wait and after their end", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const client = await gateway.connect();
    const identity = new TestDevice();
    const reviewer = await gateway.connect({ scopes: ["operator.approvals"], identity });
    await ask(client, "a:b");
    const now = clock.now();
    const presentation = {
      kind: "exec",
      commandText: "ls",
      commandPreview: null,
      warningText: null,
      host: null,
      nodeId: null,
      agentId: "main",
      allowedDecisions: ["allow-once", "allow-always", "deny"],
    };
    const common = {
      id: "a:b",
      presentation,
      urlPath: "/approve/a%3Ab",
      createdAtMs: now,
      expiresAtMs: now + 1_800_000,
    };
    expect(await client.call("approval.get", { id: "a:b" })).toEqual({ approval: { ...common, status: "pending" } });
    clock.advance(10);
    const approval = {
      ...common,
      status: "allowed",
      decision: "allow-once",
      reason: "user",
      resolvedAtMs: now + 10,
      source: { agentId: "main" },
      resolver: { kind: "device", id: identity.id },
    };
    const verdict = { id: "a:b", kind: "exec", decision: "allow-once" };
    expect(await reviewer.call("approval.resolve", verdict)).toEqual({ applied: true, approval });
    expect(await client.call("approval.resolve", { ...verdict, decision: "deny" })).toEqual({
      applied: false,
      approval,
    });
    expect(await client.call("approval.get", { id: "a:b" })).toEqual({ approval });
  });

  test("76: are found by their whole id alone", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await ask(client, "abcdefghij");
    for (const id of ["abcdefghi", "none"]) {
      expect((await client.request("approval.get", { id })).error.message).toBe("approval not found");
      const verdict = { id, kind: "exec", decision: "allow-once" };
      expect((await client.request("approval.resolve", verdict)).error.message).toBe("approval not found");
    }
  });

  test("76: a verdict that cannot be understood refuses", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const verdicts = [
      { kind: "plugin", decision: "allow-once" },
      { kind: "exec", decision: "allow-everything" },
      { kind: "exec", decision: "allow-always" },
      { kind: "exec" },
      { decision: "allow-once" },
      { kind: "exec", decision: ["allow-once"] },
      { kind: "exec", decision: "allow-once", force: true },
      { kind: "exec", decision: "allow-once", grantExpiresInDays: 0 },
    ];
    for (const [at, verdict] of verdicts.entries()) {
      const id = `ap-${at}`;
      const first = await ask(client, id, { unavailableDecisions: ["allow-always"] });
      const { applied, approval } = await client.call("approval.resolve", { id, ...verdict });
      expect(applied).toBe(true);
      expect(approval).toMatchObject({ status: "denied", decision: "deny", reason: "malformed-verdict" });
      expect((await client.answer(first.id as string, 1)).payload.decision).toBe("deny");
    }
    expect((await client.request("approval.resolve", { id: 7 })).error.message).toBe("approval not found");
  });

  test("77: one that nobody answered is shown as expired although no timer has run", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const client = await gateway.connect();
    await ask(client, "ap-1", { timeoutMs: 1000 });
    clock.advance(1000);
    const { approval } = await client.call("approval.get", { id: "ap-1" });
    expect(approval).toMatchObject({ status: "expired", reason: "timeout", resolver: { kind: "system" } });
    expect(approval.decision).toBeUndefined();
  });

  test("need operator.approvals, and nothing else will do", async () => {
    const gateway = await start();
    for (const scopes of [[], ["operator.read", "operator.write", "operator.pairing", "operator.questions"]]) {
      const client = await gateway.connect({ scopes });
      for (const [method, params] of [
        ["approval.get", { id: "x" }],
        ["approval.history", {}],
        ["approval.resolve", { id: "x", kind: "exec", decision: "deny" }],
        ["plugin.approval.list", {}],
        ["plugin.approval.request", { title: "a", description: "b" }],
        ["plugin.approval.resolve", { id: "x", decision: "deny" }],
        ["plugin.approval.waitDecision", { id: "x" }],
        ["openclaw.approval.list", {}],
        ["exec.approval.grants.list", {}],
        ["exec.approval.grants.revoke", { grantId: "x" }],
      ] as const) {
        expect((await client.request(method, params)).error.details.missingScope).toBe("operator.approvals");
      }
    }
  });
});

describe("the history", () => {
  test("has what ended, newest first, in pages", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const client = await gateway.connect();
    for (const id of ["a", "b", "c", "d"]) {
      await ask(client, id);
      // Two end at the same time: their ids decide then.
      if (id !== "c") clock.advance(10);
      await client.call("exec.approval.resolve", { id, decision: "deny" });
    }
    await ask(client, "waits");
    const page = async (params: object) => {
      const { items, nextCursor } = await client.call("approval.history", params);
      return { ids: items.map((item: { id: string }) => item.id), nextCursor };
    };
    expect((await page({})).ids).toEqual(["d", "c", "b", "a"]);
    const first = await page({ limit: 2 });
    expect(first.ids).toEqual(["d", "c"]);
    const second = await page({ limit: 2, cursor: first.nextCursor });
    expect(second).toEqual({ ids: ["b", "a"], nextCursor: undefined });
    expect((await page({ kind: "plugin" })).ids).toEqual([]);
    for (const cursor of ["zzz", `${first.nextCursor}x`, Buffer.from('{"v":1}').toString("base64url")]) {
      const { error } = await client.request("approval.history", { cursor });
      expect(error.message).toBe("invalid approval.history cursor");
    }
    clock.advance(30 * 86_400_000);
    expect((await page({})).ids).toEqual([]);
  });
});
