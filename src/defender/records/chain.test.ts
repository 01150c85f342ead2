import { expect, test } from "bun:test";
import { Store } from "../../store/store.ts";
import { type DecisionRecord, DecisionRepository } from "../decision-repository.ts";
import type { Verdict } from "../types.ts";
import { HostKey } from "./host-key.ts";

const KEY = HostKey.fresh();

const record = (n: number, verdict: Verdict = "block", at = n): DecisionRecord => ({
  id: `d${n}`,
  at,
  verdict,
  enforced: true,
  score: verdict === "allow" ? 0 : 90,
  findings: verdict === "allow" ? [] : [{ id: "x", score: 90, reason: "Why." }],
  direction: "inbound",
  origin: "web",
  sessionKey: `agent:main:s${n % 2}`,
  excerpt: "text",
});

async function filled(count: number, bounds = { maxRows: 1000 }) {
  const store = Store.open(":memory:");
  const decisions = new DecisionRepository(store, bounds, KEY);
  for (let n = 1; n <= count; n++) await decisions.add(record(n));
  return { store, decisions };
}

const problemOf = async (decisions: DecisionRepository): Promise<string | undefined> =>
  (await decisions.verify()).find(({ ok }) => !ok)?.problem;

test("a chain that nobody touched is whole, also an empty one and one longer than a page", async () => {
  const { decisions } = await filled(0);
  expect(await decisions.verify()).toEqual([
    { chain: "kept", ok: true, rows: 0 },
    { chain: "passed", ok: true, rows: 0 },
  ]);
  const long = await filled(1203, { maxRows: 5000 });
  expect((await long.decisions.verify())[0]).toEqual({ chain: "kept", ok: true, rows: 1203 });
});

test.each([
  ["taken out of the middle", "DELETE FROM decision_log WHERE seq = 3", "Row 3 is missing."],
  ["taken off the beginning", "DELETE FROM decision_log WHERE seq = 1", "Row 1 is missing."],
  ["taken off the end", "DELETE FROM decision_log WHERE seq = 5", "Row 5 is missing."],
  ["all taken out", "DELETE FROM decision_log", "Row 1 is missing."],
  ["changed", "UPDATE decision_log SET body = replace(body, 'Why', 'Way') WHERE seq = 2", "Row 2 was changed."],
  ["with another verdict", "UPDATE decision_log SET verdict = 'review' WHERE seq = 5", "Row 5 was changed."],
  [
    "put behind the end",
    "INSERT INTO decision_log SELECT chain, 6, 'new', at, verdict, session_key, body, hash FROM decision_log WHERE seq = 5",
    "A row lies outside the chain.",
  ],
  ["without its head", "DELETE FROM decision_chains", "The chain has rows and no head."],
  ["all gone with its end moved back", "UPDATE decision_chains SET last_seq = 4", "A row lies outside the chain."],
  [
    "cut off at the end and the head made to fit",
    `DELETE FROM decision_log WHERE seq = 5;
     UPDATE decision_chains SET last_seq = 4, last_hash = (SELECT hash FROM decision_log WHERE seq = 4)`,
    "The chain's head was not written by this host.",
  ],
])("a row %s shows", async (_name, sql, problem) => {
  const { store, decisions } = await filled(5);
  store.db.exec(sql);
  expect(await problemOf(decisions)).toBe(problem);
});

test("another host's key does not make the chain look whole", async () => {
  const { store } = await filled(2);
  const other = new DecisionRepository(store, { maxRows: 10 }, HostKey.fresh());
  expect(await problemOf(other)).toBe("The chain's head was not written by this host.");
});

test("the oldest go by number and by age, and what is left is still whole", async () => {
  const few = await filled(30, { maxRows: 10 });
  expect((await few.decisions.verify())[0]).toEqual({ chain: "kept", ok: true, rows: 10 });
  expect((await few.decisions.newest(100)).at(-1)?.id).toBe("d21");

  const young = new DecisionRepository(Store.open(":memory:"), { maxRows: 100, maxAgeMs: 5 }, KEY);
  for (let n = 1; n <= 20; n++) await young.add(record(n));
  expect((await young.newest(100)).map(({ id }) => id)).toEqual(["d20", "d19", "d18", "d17", "d16", "d15"]);
  expect((await young.verify())[0]?.ok).toBe(true);
});

test("what was simply allowed pushes out nothing that was refused", async () => {
  const decisions = new DecisionRepository(Store.open(":memory:"), { maxRows: 5 }, KEY);
  await decisions.add(record(1));
  await Promise.all(Array.from({ length: 40 }, (_, n) => decisions.pass(record(n + 2, "allow"))));
  expect((await decisions.newest(10)).map(({ id }) => id)).toEqual(["d1"]);
  expect((await decisions.list({ verdicts: ["allow"], limit: 100 })).decisions).toHaveLength(5);
  expect((await decisions.verify()).map(({ ok, rows }) => [ok, rows])).toEqual([
    [true, 1],
    [true, 5],
  ]);
});

test("pages follow one another without gap, and filters hold across them", async () => {
  const { decisions } = await filled(9);
  const first = await decisions.list({ limit: 2, sessionKey: "agent:main:s1" });
  expect(first.decisions.map(({ id }) => id)).toEqual(["d9", "d7"]);
  const second = await decisions.list({ limit: 3, sessionKey: "agent:main:s1", cursor: first.next! });
  expect(second.decisions.map(({ id }) => id)).toEqual(["d5", "d3", "d1"]);
  expect(second.next).toBeUndefined();
  expect((await decisions.list({ limit: 5, verdicts: ["review"] })).decisions).toEqual([]);
});
