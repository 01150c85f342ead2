import { expect, test } from "bun:test";
import type { ActionGuard } from "./guard.ts";
import { defenderFixture } from "./testing.ts";
import type { Finding } from "./types.ts";

const guard = (score: number): ActionGuard => ({
  name: "fixed",
  inspect: () => (score === 0 ? [] : [{ id: "test.found", score, reason: "Found." }]),
});
const risk = (score: number, id = "host.profile-content"): Finding => ({ id, score, reason: "Changed." });
const ACTION = { kind: "tool", name: "x", args: {} } as const;

const decided = (score: number, risks: Finding[][]) =>
  defenderFixture({
    actionGuards: [guard(score)],
    risks: risks.map((found) => ({ risk: () => found })),
  }).defender.judge(ACTION, { origin: "owner" });

test.each([
  [0, [], "allow", 0],
  [0, [[]], "allow", 0],
  [0, [[risk(35)]], "allow", 35],
  [20, [[risk(35)]], "review", 55],
  [45, [[risk(35)]], "block", 80],
  [0, [[risk(45)], [risk(45, "telemetry.severe")]], "review", 60],
  [99, [[risk(45)]], "block", 100],
] as const)("%d with %j: %s", async (score, risks, verdict, total) => {
  expect(await decided(score, risks as unknown as Finding[][])).toMatchObject({ verdict, score: total });
});

test("what is the matter stands with what was found", async () => {
  const { findings } = await decided(20, [[risk(35)]]);
  expect(findings.map(({ id }) => id)).toEqual(["test.found", "host.profile-content"]);
});

test("texts are judged as ever", async () => {
  const { defender } = defenderFixture({ risks: [{ risk: () => [risk(60)] }] });
  expect((await defender.screen("hello", { direction: "inbound", origin: "web" })).score).toBe(0);
});

test("a source that fails is not passed over", async () => {
  const broken = { risk: () => Promise.reject(new Error("broken")) };
  const { defender, logged } = defenderFixture({ risks: [broken] });
  expect(await defender.judge(ACTION, { origin: "owner" })).toMatchObject({
    verdict: "review",
    findings: [{ id: "guard.failed" }],
  });
  expect(logged).toEqual(["error: a guard failed"]);
});
