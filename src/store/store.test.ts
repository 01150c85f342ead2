import { afterEach, beforeEach, expect, test } from "bun:test";
import { Store } from "./store.ts";

let store: Store;
beforeEach(() => {
  store = Store.open(":memory:");
  store.db.exec("CREATE TABLE facts (name TEXT PRIMARY KEY) STRICT");
  store.db.exec("CREATE TABLE claims (fact TEXT REFERENCES facts (name) DEFERRABLE INITIALLY DEFERRED) STRICT");
});
afterEach(() => store.close());

const add = (name: string, how = "INSERT") =>
  store.write((db) => db.query(`${how} INTO facts (name) VALUES (?)`).run(name));
const names = () => store.read((db) => db.query("SELECT name FROM facts ORDER BY name").values().flat());
const outcomes = async (writes: Promise<unknown>[]) => (await Promise.allSettled(writes)).map(({ status }) => status);

test("a write that throws undoes itself alone", async () => {
  const half = store.write((db) => {
    db.query("INSERT INTO facts (name) VALUES ('half')").run();
    throw new Error("no");
  });
  expect(await outcomes([add("a"), half, add("b")])).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await names()).toEqual(["a", "b"]);
});

test("when the commit fails, no write of the turn counts and none is acknowledged; the next turn works", async () => {
  const claim = store.write((db) => db.query("INSERT INTO claims (fact) VALUES ('unknown')").run());
  expect(await outcomes([add("a"), claim, add("b")])).toEqual(["rejected", "rejected", "rejected"]);
  expect(await names()).toEqual([]);
  await add("c");
  expect(await names()).toEqual(["c"]);
});

test("when SQLite gives up the transaction in the middle, no write of the turn is stored behind its sender's back", async () => {
  await add("a");
  // What a full disk does to any statement, a conflict does to this one.
  const fatal = add("a", "INSERT OR ROLLBACK");
  expect(await outcomes([add("b"), fatal, add("c")])).toEqual(["rejected", "rejected", "rejected"]);
  expect(await names()).toEqual(["a"]);
  await add("d");
  expect(await names()).toEqual(["a", "d"]);
});

test("a write that can wait goes with the next one that cannot, in the order in which they were queued", async () => {
  const done: string[] = [];
  const soon = store
    .writeSoon((db) => db.query("INSERT INTO facts (name) VALUES ('soon')").run())
    .then(() => done.push("soon"));
  expect(await names()).toEqual([]);
  await add("now").then(() => done.push("now"));
  await soon;
  expect(done).toEqual(["soon", "now"]);
  expect(await names()).toEqual(["now", "soon"]);
});

test("it is written by itself when nothing else is, when it is asked for, and when the store closes", async () => {
  const put = (name: string) =>
    store.writeSoon((db) => db.query("INSERT INTO facts (name) VALUES (?)").run(name)).then(() => name);
  expect(await put("a")).toBe("a");
  const asked = put("b");
  store.hasten();
  expect(await asked).toBe("b");
  const last = put("c");
  await store.close();
  expect(await last).toBe("c");
});

test("a write alone that throws leaves nothing behind", async () => {
  const half = store.write((db) => {
    db.query("INSERT INTO facts (name) VALUES ('half')").run();
    throw new Error("no");
  });
  expect(await outcomes([half])).toEqual(["rejected"]);
  expect(await names()).toEqual([]);
  await add("a");
  expect(await names()).toEqual(["a"]);
});
