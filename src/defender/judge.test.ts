import { expect, test } from "bun:test";
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
