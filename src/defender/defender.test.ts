import { describe, expect, test } from "bun:test";
import { Metrics } from "../platform/metrics.ts";
import type { Guard } from "./guard.ts";
import { defenderFixture } from "./testing.ts";
import type { Finding, ScreenContext } from "./types.ts";

const INBOUND: ScreenContext = { direction: "inbound", origin: "channel-stranger" };
const OUTBOUND: ScreenContext = { direction: "outbound", origin: "model" };
const KEY = `ghp_${"aB3dE5fG7h".repeat(4)}`;

/** Finds each of its words, at the score given for it. */
function wordGuard(scores: Record<string, number>, name = "words"): Guard {
  return {
    name,
    inspect: ({ text }) =>
      Object.entries(scores).flatMap(([word, score]): Finding[] => {
        const at = text.indexOf(word);
        return at < 0 ? [] : [{ id: `test.${word}`, score, reason: "A word.", span: [at, at + word.length] }];
      }),
  };
}

const GUARD = wordGuard({ bad: 90, odd: 60, dull: 10 });

describe("policy", () => {
  test.each([
    ["plain", "allow", 0],
    ["a dull one", "allow", 10],
    ["an odd one", "review", 60],
    ["a bad one", "block", 90],
  ] as const)("%s: %s", async (text, verdict, score) => {
    const { defender } = defenderFixture({ guards: [GUARD] });
    expect(await defender.screen(text, INBOUND)).toMatchObject({ verdict, score });
  });

  test("the highest finding decides and comes first, whatever the order of the text", async () => {
    const { defender } = defenderFixture({ guards: [GUARD] });
    const { findings, score } = await defender.screen("dull odd bad", INBOUND);
    expect(findings.map(({ id }) => id)).toEqual(["test.bad", "test.odd", "test.dull"]);
    expect(score).toBe(90);
  });

  test("thresholds come from the configuration", async () => {
    const strict = defenderFixture({ guards: [GUARD], policy: { reviewScore: 5, blockScore: 60 } }).defender;
    expect((await strict.screen("dull", INBOUND)).verdict).toBe("review");
    expect((await strict.screen("odd", INBOUND)).verdict).toBe("block");
  });

  test("a threshold above 100 does not switch the defender off", async () => {
    const guards = [wordGuard({ worst: 100 })];
    const { defender } = defenderFixture({ guards, policy: { reviewScore: 900, blockScore: 900 } });
    expect((await defender.screen("worst", INBOUND)).verdict).toBe("block");
  });

  test("disabled, nothing is judged", async () => {
    const { defender, decisions } = defenderFixture({ guards: [GUARD], policy: { enabled: false } });
    expect(await defender.screen("bad", INBOUND)).toEqual({ verdict: "allow", score: 0, findings: [] });
    expect(await decisions.newest(1)).toEqual([]);
  });

  test("audit only: everything passes, and what would have been refused is recorded", async () => {
    const { defender, decisions, events } = defenderFixture({ guards: [GUARD], policy: { auditOnly: true } });
    expect(await defender.screen("bad", INBOUND)).toMatchObject({ verdict: "allow", score: 90 });
    expect(await defender.screen(KEY, OUTBOUND)).not.toHaveProperty("text");
    expect(await decisions.newest(2)).toMatchObject([
      { verdict: "review", enforced: false, direction: "outbound" },
      { verdict: "block", enforced: false },
    ]);
    expect(events.map(({ payload }) => (payload as { enforced: boolean }).enforced)).toEqual([false, false]);
  });

  test("the same text gives the same decision", async () => {
    const { defender } = defenderFixture({ guards: [GUARD] });
    const [first, second] = [await defender.screen("bad odd", INBOUND), await defender.screen("bad odd", INBOUND)];
    expect({ ...first, id: "" }).toEqual({ ...second, id: "" });
  });
});

describe("guards that fail", () => {
  const broken: Guard = {
    name: "broken",
    inspect: () => {
      throw new Error("secret detail");
    },
  };

  test("one that throws leads to review, is recorded and logged, and the others still count", async () => {
    const { defender, decisions, logged } = defenderFixture({ guards: [broken, GUARD] });
    const decision = await defender.screen("plain", INBOUND);
    expect(decision).toMatchObject({ verdict: "review", findings: [{ id: "guard.failed" }] });
    expect(JSON.stringify(decision)).not.toContain("secret detail");
    expect(await decisions.find(decision.id!)).toMatchObject({ verdict: "review" });
    expect(logged).toEqual(["error: a guard failed"]);
    expect((await defender.screen("bad", INBOUND)).verdict).toBe("block");
  });

  test("one that runs out of time leads to review and ends the judging", async () => {
    let ms = 0;
    let seen = 0;
    const slow: Guard = {
      name: "slow",
      inspect: ({ checkTime }) => {
        seen++;
        ms += 600;
        checkTime();
        return [];
      },
    };
    const limits = { defenderPieceChars: 100, defenderOverlapChars: 10 };
    const { defender, logged } = defenderFixture({ guards: [slow], limits, now: () => ms });
    const decision = await defender.screen("x".repeat(5000), INBOUND);
    expect(decision).toMatchObject({ verdict: "review", findings: [{ id: "guard.out-of-time" }] });
    expect(seen).toBe(4);
    expect(logged).toEqual(["warn: a guard ran out of time"]);
  });

  test("a verdict stands when it cannot be stored", async () => {
    const { defender, store, logged, events } = defenderFixture({ guards: [GUARD] });
    await store.close();
    expect((await defender.screen("bad", INBOUND)).verdict).toBe("block");
    expect(logged).toEqual(["error: the quarantine could not be read", "error: a decision could not be stored"]);
    expect(events).toEqual([]);
  });
});

describe("long texts", () => {
  const limits = { defenderPieceChars: 100, defenderOverlapChars: 20 };

  test("a phrase over a cut is found, with its place in the whole text", async () => {
    const guards = [wordGuard({ "a rather long one": 90 })];
    const { defender } = defenderFixture({ guards, limits });
    for (const at of [0, 75, 90, 99, 100, 155, 400]) {
      const text = `${"x".repeat(at)}a rather long one${"x".repeat(300)}`;
      const { findings } = await defender.screen(text, INBOUND);
      expect(findings).toMatchObject([{ span: [at, at + 17] }]);
    }
  });

  test("a rule counts once, at its highest", async () => {
    const { defender } = defenderFixture({ guards: [GUARD], limits });
    const { findings } = await defender.screen(`bad${" ".repeat(500)}bad`, INBOUND);
    expect(findings).toHaveLength(1);
  });

  test("findings are bounded", async () => {
    const words = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`w${i}w`, 60]));
    const { defender } = defenderFixture({ guards: [wordGuard(words)] });
    const { findings } = await defender.screen(Object.keys(words).join(" "), INBOUND);
    expect(findings).toHaveLength(16);
  });
});

describe("outbound", () => {
  test("126: credentials are taken out, recorded, and never in record or event", async () => {
    const own = "the gateway's very own secret";
    const { defender, decisions, events } = defenderFixture({ secrets: [own] });
    const decision = await defender.screen(`Here: ${KEY} and ${own}.`, { ...OUTBOUND, sessionKey: "agent:main:main" });
    expect(decision).toMatchObject({
      verdict: "review",
      text: "Here: [redacted:github-token] and [redacted:known-secret].",
      findings: [{ id: "outbound.known-secret", score: 90 }, { id: "outbound.github-token" }],
    });
    const record = await decisions.find(decision.id!);
    expect(record?.excerpt).toBe("Here: [redacted:github-token] and [redacted:known-secret].");
    for (const kept of [record, events]) {
      expect(JSON.stringify(kept)).not.toContain(KEY);
      expect(JSON.stringify(kept)).not.toContain(own);
    }
  });

  test("a plain answer is allowed as it is", async () => {
    const { defender } = defenderFixture();
    expect(await defender.screen("Hello there.", OUTBOUND)).toEqual({ verdict: "allow", score: 0, findings: [] });
  });

  test("a streamed answer is masked as the whole one", async () => {
    const { defender } = defenderFixture({ secrets: ["known secret value 1"] });
    const text = `A ${KEY} in pieces, then known secret value 1.`;
    const stream = defender.stream();
    const sent = [...text].map((piece) => stream.push(piece)).join("") + stream.end();
    expect(sent).toBe((await defender.screen(text, OUTBOUND)).text!);
  });

  test.each([{ enabled: false }, { auditOnly: true }])("with %j a stream passes through", (policy) => {
    const stream = defenderFixture({ policy }).defender.stream();
    expect(stream.push(KEY) + stream.end()).toBe(KEY);
  });
});

describe("records", () => {
  test("say what, where from and why, with a bounded excerpt around what decided", async () => {
    const { defender, decisions, events } = defenderFixture({ guards: [GUARD] });
    const text = `${"a".repeat(5000)}bad${"b".repeat(5000)}`;
    const context = { ...INBOUND, sessionKey: "agent:main:x", runId: "run-1", actor: "device-1" };
    const { id } = await defender.screen(text, context);
    const record = await decisions.find(id!);
    expect(record).toMatchObject({ ...context, verdict: "block", enforced: true, score: 90, at: 1_700_000_000_000 });
    expect(record?.excerpt).toMatch(/^…a{290,}bad…?b{290,}…$/);
    expect(events).toMatchObject([{ event: "security.decision", payload: { id, decision: "block", score: 90 } }]);
    expect(JSON.stringify(events)).not.toContain("aaaa");
  });

  test("an excerpt's credentials are masked, also one that reaches out of it", async () => {
    const { defender, decisions } = defenderFixture({ guards: [GUARD], limits: { defenderExcerptChars: 60 } });
    const { id } = await defender.screen(`${KEY} bad ${KEY}`, INBOUND);
    const { excerpt } = (await decisions.find(id!))!;
    expect(excerpt).toContain("bad");
    expect(excerpt).not.toMatch(/aB3dE5fG7h|h3B/);
  });

  test("the oldest go when there are too many", async () => {
    const { defender, decisions } = defenderFixture({ guards: [GUARD], maxRows: 3 });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await defender.screen("bad", INBOUND)).id!);
    expect((await decisions.newest(10)).map(({ id }) => id)).toEqual(ids.slice(2).reverse());
  });

  test("decisions to allow are counted, not stored", async () => {
    const { defender, decisions, events } = defenderFixture({ guards: [GUARD] });
    const metrics = new Metrics();
    defender.defineMetrics(metrics);
    for (const text of ["x", "y", "odd", "bad"]) await defender.screen(text, INBOUND);
    expect(await decisions.newest(10)).toHaveLength(2);
    expect(events).toHaveLength(2);
    expect(metrics.render()).toContain('chela_defender_decisions_total{verdict="allow"} 2');
    expect(metrics.render()).toContain('chela_defender_decisions_total{verdict="block"} 1');
  });
});
