import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { migrate } from "../migrate.ts";
import { sessionSearch } from "./0007-session-search.ts";
import { MIGRATIONS } from "./index.ts";

test("what was said and sorted before the index was made is in it", () => {
  const db = new Database(":memory:", { strict: true });
  migrate(db, MIGRATIONS.slice(0, sessionSearch.version - 1));
  db.exec(`
    INSERT INTO transcripts (id, session_id, session_key, started_at, messages) VALUES (7, 's', 'k', 1, 3);
    INSERT INTO messages (transcript, seq, id, role, recorded_at, body) VALUES
      (7, 1, 'a', 'user', 1, '{"content":"old giraffe"}'),
      (7, 2, 'b', 'assistant', 1, '{"content":[{"type":"text","text":"two"},{"type":"text","text":"giraffe"}]}'),
      (7, 3, 'c', 'toolResult', 1, '{"content":"giraffe"}');
    INSERT INTO sessions (key, agent_id, session_id, updated_at, activity_at, archived, pinned, search, entry) VALUES
      ('k', 'main', 's', 1, 1, 0, 0, '', '{"category":"zoo"}'), ('l', 'main', 't', 1, 1, 0, 0, '', '{}');
  `);
  migrate(db);
  const sql =
    "SELECT rowid & 4294967295 AS seq, rowid >> 32 AS transcript FROM message_search WHERE message_search MATCH ?";
  expect(db.query(`${sql} ORDER BY rowid`).all("giraffe")).toEqual([
    { seq: 1, transcript: 7 },
    { seq: 2, transcript: 7 },
  ]);
  expect(db.query("SELECT name FROM session_groups").all()).toEqual([{ name: "zoo" }]);
  db.exec("DELETE FROM messages WHERE seq = 1");
  expect(db.query(sql).all("giraffe").length).toBe(1);
});
