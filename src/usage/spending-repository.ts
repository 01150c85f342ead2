import { SLOT_MS } from "../sessions/usage-record.ts";
import type { Store } from "../store/store.ts";

/** What calls are made for: a turn that somebody or something asked for, a regular look at what waits, a summary. */
export type SpendingKind = "turn" | "heartbeat" | "compaction";

/** Tokens and US dollars. */
export interface Spent {
  tokens: number;
  usd: number;
}

/** Which calls are added up; what is absent does not matter. */
export interface SpendingOf {
  /** Epoch milliseconds, both included. */
  between?: readonly [from: number, to: number];
  agentId?: string;
  sessionId?: string;
  kind?: SpendingKind;
}

/** The sums of what calls to models have cost. */
export class SpendingRepository {
  constructor(
    private readonly store: Store,
    private readonly maxRows: number,
  ) {}

  /** Goes with the next write: that of the answer which was paid for. */
  async add(
    call: { agentId: string; sessionId: string; kind: SpendingKind },
    spent: Spent,
    now: number,
  ): Promise<void> {
    const { agentId, sessionId, kind } = call;
    await this.store.writeSoon((db) => {
      const inserted = db
        .query(
          `INSERT INTO spending VALUES (?1, ?2, ?3, ?4, ?5, ?6)
           ON CONFLICT DO UPDATE SET tokens = tokens + ?5, cost = cost + ?6`,
        )
        .run(Math.floor(now / SLOT_MS), agentId, sessionId, kind, spent.tokens, spent.usd);
      if (inserted.changes === 0) return;
      const { n } = db.query("SELECT count(*) AS n FROM spending").get() as { n: number };
      if (n > this.maxRows) db.query("DELETE FROM spending WHERE slot = (SELECT min(slot) FROM spending)").run();
    });
  }

  sum({ between, agentId, sessionId, kind }: SpendingOf): Promise<Spent> {
    const where: string[] = [];
    const values: (string | number)[] = [];
    const only = (column: string, value: string | undefined) => {
      if (value === undefined) return;
      where.push(`${column} = ?`);
      values.push(value);
    };
    if (between) {
      where.push("slot BETWEEN ? AND ?");
      values.push(...between.map((ms) => Math.floor(ms / SLOT_MS)));
    }
    only("agent_id", agentId);
    only("session_id", sessionId);
    only("kind", kind);
    const sql = `SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(cost), 0) AS usd FROM spending
      WHERE ${where.join(" AND ") || "1"}`;
    return this.store.read((db) => db.query<Spent, (string | number)[]>(sql).get(...values)!);
  }
}
