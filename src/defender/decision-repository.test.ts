import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../store/store.ts";
import { type DecisionRecord, DecisionRepository } from "./decision-repository.ts";

const record = (id: string, over: Partial<DecisionRecord> = {}): DecisionRecord => ({
  id,
  at: 1,
  verdict: "block",
  enforced: true,
  score: 90,
  findings: [{ id: "x", score: 90, reason: "Why.", span: [0, 3] }],
  direction: "inbound",
  origin: "web",
  excerpt: "text",
  ...over,
});

test("what was decided is there after a restart, as it was", async () => {
  const folder = mkdtempSync(join(tmpdir(), "chela-decisions-"));
  const path = join(folder, "db.sqlite");
  const full = record("b", { actor: "device", sessionKey: "agent:main:main", runId: "r", enforced: false });
  const before = Store.open(path);
  const first = new DecisionRepository(before, { maxRows: 10 });
  await Promise.all([first.add(record("a")), first.add(full)]);
  await before.close();
  const after = Store.open(path);
  const second = new DecisionRepository(after, { maxRows: 10 });
  expect(await second.newest(5)).toEqual([full, record("a")]);
  expect(await second.find("b")).toEqual(full);
  expect(await second.find("c")).toBeNull();
  await after.close();
  rmSync(folder, { recursive: true });
});

test("an id is taken once", async () => {
  const repository = new DecisionRepository(Store.open(":memory:"), { maxRows: 10 });
  await repository.add(record("a"));
  await expect(repository.add(record("a", { score: 1 }))).rejects.toThrow();
  expect((await repository.find("a"))?.score).toBe(90);
});
