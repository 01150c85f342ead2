import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { migrate } from "../migrate.ts";
import { usage } from "./0012-usage.ts";
import { MIGRATIONS } from "./index.ts";

test("what was used before the sums were kept is in them", () => {
  const db = new Database(":memory:", { strict: true });
  migrate(db, MIGRATIONS.slice(0, usage.version - 1));
  const cost = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, total: 3 };
  const answer = {
    timestamp: 900_001,
    provider: "p",
    model: "m",
    content: [
      { type: "toolCall", name: "read" },
      { type: "text", text: "x" },
    ],
    usage: { input: 10, output: 5, cacheRead: 0, cacheWrite: 0, totalTokens: 15, cost },
  };
  const add = db.query("INSERT INTO messages (transcript, seq, id, role, recorded_at, body) VALUES (7, ?, ?, ?, 1, ?)");
  db.exec(`
    INSERT INTO transcripts (id, session_id, session_key, started_at, messages) VALUES (7, 's', 'k', 1, 4);
    INSERT INTO sessions (key, agent_id, session_id, updated_at, activity_at, archived, pinned, search, entry)
      VALUES ('k', 'main', 's', 1, 1, 0, 0, '', '{}');
  `);
  add.run(1, "a", "user", JSON.stringify({ content: "hi", timestamp: 899_999 }));
  add.run(2, "b", "assistant", JSON.stringify(answer));
  add.run(3, "c", "assistant", JSON.stringify({ ...answer, content: "plain", stopReason: "error" }));
  add.run(4, "d", "system", JSON.stringify({ content: [], timestamp: 900_001 }));
  migrate(db);
  const sums = "slot, model, users, assistants, tool_calls, errors, metered, total, cost, first_at, last_at";
  const expected = [
    {
      slot: 0,
      model: "",
      users: 1,
      assistants: 0,
      tool_calls: 0,
      errors: 0,
      metered: 0,
      total: 0,
      cost: 0,
      first_at: 899_999,
      last_at: 899_999,
    },
    {
      slot: 1,
      model: "m",
      users: 0,
      assistants: 2,
      tool_calls: 1,
      errors: 1,
      metered: 2,
      total: 30,
      cost: 6,
      first_at: 900_001,
      last_at: 900_001,
    },
  ];
  expect(db.query(`SELECT ${sums} FROM usage_slots WHERE transcript = 7 ORDER BY slot`).all()).toEqual(expected);
  expect(db.query(`SELECT ${sums} FROM usage_totals WHERE agent_id = 'main' ORDER BY slot`).all()).toEqual(expected);
  expect(db.query("SELECT * FROM usage_tools").all()).toEqual([{ transcript: 7, slot: 1, name: "read", calls: 1 }]);
});
