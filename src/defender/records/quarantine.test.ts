import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../../store/store.ts";
import type { DecisionRecord } from "../decision-repository.ts";
import { HostKey } from "./host-key.ts";
import { Quarantine } from "./quarantine.ts";

const BOUNDS = { maxEntries: 3, maxAgeMs: 1000, maxChars: 50 };
const ABOUT: DecisionRecord = {
  id: "decision",
  at: 1,
  verdict: "block",
  enforced: true,
  score: 90,
  findings: [{ id: "prompt.override", score: 90, reason: "Why." }],
  direction: "inbound",
  origin: "web",
  excerpt: "",
};
const MARK = "a payload nobody may read";

test("a payload is there after a restart, and nowhere on disk in the clear", async () => {
  const folder = mkdtempSync(join(tmpdir(), "chela-quarantine-"));
  const path = join(folder, "db.sqlite");
  const before = Store.open(path);
  await new Quarantine(before, HostKey.in(folder), BOUNDS).add("q1", MARK, ABOUT);
  await before.close();
  const after = Store.open(path);
  const quarantine = new Quarantine(after, HostKey.in(folder), BOUNDS);
  expect(await quarantine.open("q1")).toMatchObject({ payload: MARK, finding: "prompt.override", chars: MARK.length });
  await after.close();
  for (const file of readdirSync(folder).filter((each) => each.startsWith("db"))) {
    expect(readFileSync(join(folder, file)).includes(MARK)).toBe(false);
  }
  expect(statSync(join(folder, "defender", "host.key")).mode & 0o777).toBe(0o600);
  rmSync(folder, { recursive: true });
});

test("it cannot be opened with another host's key, nor under another entry's id", async () => {
  const store = Store.open(":memory:");
  const key = HostKey.fresh();
  const quarantine = new Quarantine(store, key, BOUNDS);
  await quarantine.add("q1", MARK, ABOUT);
  await quarantine.add("q2", "another", ABOUT);
  expect(new Quarantine(store, HostKey.fresh(), BOUNDS).open("q1")).rejects.toThrow();
  store.db.exec("UPDATE quarantine SET sealed = (SELECT sealed FROM quarantine WHERE id = 'q2') WHERE id = 'q1'");
  expect(quarantine.open("q1")).rejects.toThrow();
  expect((await quarantine.open("q2"))?.payload).toBe("another");
});

test("what is released passes as that payload, kind and origin alone, until it is purged", async () => {
  const quarantine = new Quarantine(Store.open(":memory:"), HostKey.fresh(), BOUNDS);
  await quarantine.add("q1", MARK, ABOUT);
  expect(await quarantine.isReleased(MARK, ABOUT)).toBe(false);
  expect(await quarantine.release("q1", "device-1", 7)).toMatchObject({ releasedAt: 7, releasedBy: "device-1" });
  expect(await quarantine.isReleased(MARK, ABOUT)).toBe(true);
  expect(await quarantine.isReleased(`${MARK}!`, ABOUT)).toBe(false);
  expect(await quarantine.isReleased(MARK, { ...ABOUT, origin: "mail" })).toBe(false);
  expect(await quarantine.release("q1", "device-2", 9)).toMatchObject({ releasedAt: 7, releasedBy: "device-1" });
  expect(await quarantine.purge(["q1", "q9"])).toBe(1);
  expect(await quarantine.isReleased(MARK, ABOUT)).toBe(false);
  expect(await quarantine.release("q1", "device-1", 7)).toBeNull();
});

test("number, age and length are bounded", async () => {
  const quarantine = new Quarantine(Store.open(":memory:"), HostKey.fresh(), BOUNDS);
  for (let n = 0; n < 5; n++) await quarantine.add(`q${n}`, "x".repeat(80), { ...ABOUT, at: n });
  expect((await quarantine.list(10)).map(({ id }) => id)).toEqual(["q4", "q3", "q2"]);
  expect(await quarantine.open("q4")).toMatchObject({ chars: 80, payload: "x".repeat(50) });
  await quarantine.add("late", "y", { ...ABOUT, at: 1003 });
  expect((await quarantine.list(10)).map(({ id }) => id)).toEqual(["late", "q4", "q3"]);
  expect(await quarantine.purge("all")).toBe(3);
});
