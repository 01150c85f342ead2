import { describe, expect, test } from "bun:test";
import type { DefenderPolicyDocument } from "../../generated/types.ts";
import type { ActionGuard } from "./guard.ts";
import { defenderFixture } from "./testing.ts";
import type { Action } from "./types.ts";

const ACTION: Action = { kind: "command", command: "deploy --now", cwd: "/tmp", host: "gateway" };
const guard = (score: number): ActionGuard => ({
  name: "test",
  inspect: (action) => (action.kind === "command" ? [{ id: "test.rule", score, reason: "A test." }] : []),
});

test("an action that no guard minds is allowed and leaves no record", async () => {
  const { defender, decisions } = defenderFixture({ actionGuards: [guard(99)] });
  const url: Action = { kind: "url", url: "https://example.org/", method: "GET" };
  expect((await defender.judge(url, { origin: "owner" })).verdict).toBe("allow");
  expect(await decisions.newest(1)).toEqual([]);
});

test("a blocked action is on disk with its session when the decision is given", async () => {
  const { defender, decisions, events } = defenderFixture({ actionGuards: [guard(99)] });
  const decision = await defender.judge(ACTION, { origin: "web", sessionKey: "agent:main:main", runId: "r1" });
  expect(decision.verdict).toBe("block");
  const [record] = await decisions.newest(1);
  expect(record).toMatchObject({ id: decision.id!, direction: "action", origin: "web", sessionKey: "agent:main:main" });
  expect(record!.excerpt).toContain("deploy --now");
  expect(events.map(({ event }) => event)).toContain("security.decision");
});

test("a guard that fails or rejects leads to review, and a watching policy lets the action pass with a record", async () => {
  const broken: ActionGuard = { name: "broken", inspect: () => Promise.reject(new Error("no disk")) };
  const failed = defenderFixture({ actionGuards: [broken] });
  expect((await failed.defender.judge(ACTION, { origin: "owner" })).verdict).toBe("review");

  const watching = defenderFixture({ actionGuards: [guard(99)], policy: { auditOnly: true } });
  expect((await watching.defender.judge(ACTION, { origin: "owner" })).verdict).toBe("allow");
  expect((await watching.decisions.newest(1))[0]).toMatchObject({ verdict: "block", enforced: false });
});

describe("a guard that cannot do its work", () => {
  const hanging: ActionGuard = { name: "hanging", inspect: () => new Promise(() => {}) };
  const broken: ActionGuard = { name: "broken", inspect: () => Promise.reject(new Error("no disk")) };
  const by = (document: DefenderPolicyDocument) => {
    const inForce = { document, version: "v", source: { source: "file" as const, version: "v" } };
    return { current: async () => inForce, last: inForce };
  };
  const limits = { defenderBudgetMs: 20 };

  test("that never answers is one that took too long, and no allow", async () => {
    const { defender, decisions } = defenderFixture({ actionGuards: [hanging, guard(10)], limits });
    const decision = await defender.judge(ACTION, { origin: "owner" });
    expect(decision).toMatchObject({ verdict: "review", findings: [{ id: "guard.out-of-time" }, { id: "test.rule" }] });
    expect((await decisions.newest(1))[0]?.decidedBy).toBe("guard.out-of-time");
  });

  test.each([
    [{ version: 1, profile: "strict" }, "block", "block"],
    [{ version: 1, onTimeout: "block" }, "block", "review"],
    [{ version: 1, onFailure: "block" }, "review", "block"],
  ] as const)("leads to what the policy says of it: %j", async (document, timeout, failure) => {
    const late = defenderFixture({ actionGuards: [hanging], limits, document: by(document) });
    expect((await late.defender.judge(ACTION, { origin: "owner" })).verdict).toBe(timeout);
    const failed = defenderFixture({ actionGuards: [broken], document: by(document) });
    expect((await failed.defender.judge(ACTION, { origin: "owner" })).verdict).toBe(failure);
  });

  test("is on record and told also where the policy lets it pass", async () => {
    const { defender, decisions, events } = defenderFixture({
      actionGuards: [broken],
      document: by({ version: 1, onFailure: "allow" }),
    });
    expect((await defender.judge(ACTION, { origin: "owner" })).verdict).toBe("allow");
    expect((await decisions.newest(1))[0]).toMatchObject({ verdict: "allow", decidedBy: "guard.failed" });
    expect(events.map(({ payload }) => (payload as { decision: string }).decision)).toEqual(["allow"]);
  });
});

describe("floors and weights", () => {
  const by = (document: Omit<DefenderPolicyDocument, "version">) => {
    const inForce = {
      document: { version: 1 as const, ...document },
      version: "v",
      source: { source: "file" as const, version: "v" },
    };
    return { current: async () => inForce, last: inForce };
  };
  const judge = (action: Action, document: Omit<DefenderPolicyDocument, "version">, context = {}, score = 45) =>
    defenderFixture({ actionGuards: [guard(score)], document: by(document) }).defender.judge(action, {
      origin: "owner",
      ...context,
    });
  const tool = (name: string): Action => ({ kind: "tool", name, args: {} });

  test("a floor is the least that is decided, for a call of the tool or what it does, and asked once", async () => {
    const tools = { browser: { floor: "block" as const }, exec: { floor: "review" as const } };
    expect(await judge(tool("browser"), { tools })).toMatchObject({
      verdict: "block",
      findings: [{ id: "policy.floor" }],
    });
    expect((await judge(tool("read"), { tools })).verdict).toBe("allow");
    expect((await judge(tool("exec"), { tools })).verdict).toBe("allow");
    expect((await judge(ACTION, { tools })).verdict).toBe("review");
    expect((await judge(ACTION, { tools }, {}, 95)).verdict).toBe("block");
  });

  test("weights of tool and channel bring findings over a threshold, and make none", async () => {
    expect((await judge(ACTION, { tools: { exec: { weight: 5 } } })).verdict).toBe("review");
    expect((await judge(ACTION, { channels: { telegram: { weight: 40 } } }, { channel: "telegram" })).verdict).toBe(
      "block",
    );
    expect((await judge(ACTION, { channels: { telegram: { weight: 40 } } }, { channel: "irc" })).verdict).toBe("allow");
    expect((await judge(tool("read"), { tools: { read: { weight: 100 } } })).verdict).toBe("allow");
  });

  test("agents and providers have policies of their own", async () => {
    const agents = { ops: { thresholds: { review: 40 } } };
    expect((await judge(ACTION, { agents }, { agentId: "ops" })).verdict).toBe("review");
    expect((await judge(ACTION, { agents }, { agentId: "main" })).verdict).toBe("allow");
    const providers = { local: { thresholds: { block: 45 } } };
    expect((await judge(ACTION, { providers }, { provider: "local" })).verdict).toBe("block");
  });

  test("the same input gives the same decision", async () => {
    const { defender } = defenderFixture({ actionGuards: [guard(60), guard(60), guard(70)] });
    const first = await defender.judge(ACTION, { origin: "owner" });
    const second = await defender.judge(ACTION, { origin: "owner" });
    expect({ ...second, id: "" }).toEqual({ ...first, id: "" });
  });
});
