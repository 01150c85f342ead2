import type { Migration } from "../migrate.ts";

/**
 * What calls to models have cost, added up per quarter of an hour (`slot`, as in `usage_slots`), for budgets. Unlike the
 * sums beside the messages it has every call, also those whose answer no message keeps. It begins with what those know.
 */
export const spending: Migration = {
  version: 32,
  name: "spending",
  up: (db) => {
    db.exec(`
      CREATE TABLE spending (
        slot INTEGER NOT NULL,
        agent_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        cost REAL NOT NULL,
        PRIMARY KEY (slot, agent_id, session_id, kind)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX spending_by_session ON spending (session_id, tokens, cost);
      INSERT INTO spending SELECT slot, sessions.agent_id, sessions.session_id, 'turn', sum(total), sum(usage_slots.cost)
        FROM usage_slots JOIN transcripts ON transcripts.id = usage_slots.transcript
        JOIN sessions ON sessions.key = transcripts.session_key
        GROUP BY 1, 2, 3;
    `);
  },
};
