import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";
import type { Finding, Origin, ScreenContext } from "./types.ts";

/** A decision to review or to block, as it is kept. */
export interface DecisionRecord {
  id: string;
  /** Epoch milliseconds. */
  at: number;
  verdict: "review" | "block";
  /** False when the policy only watches: then the text passed in spite of the verdict. */
  enforced: boolean;
  score: number;
  findings: Finding[];
  direction: ScreenContext["direction"] | "action";
  origin: Origin;
  actor?: string;
  sessionKey?: string;
  runId?: string;
  /** A bounded part of the judged text around what decided, credentials masked. */
  excerpt: string;
}

interface Row {
  id: string;
  at: number;
  verdict: DecisionRecord["verdict"];
  enforced: number;
  score: number;
  findings: string;
  direction: DecisionRecord["direction"];
  origin: Origin;
  actor: string | null;
  session_key: string | null;
  run_id: string | null;
  excerpt: string;
}

const INSERT = `INSERT INTO decisions
  (id, at, verdict, enforced, score, findings, direction, origin, actor, session_key, run_id, excerpt)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`;
const PRUNE = "DELETE FROM decisions WHERE seq <= (SELECT max(seq) FROM decisions) - ?1";

/** The newest decisions of the defender, a bounded number; the oldest go first. */
export class DecisionRepository {
  constructor(
    private readonly store: Store,
    private readonly maxRows: number,
  ) {}

  /** Stores a decision; resolves when it is on disk. */
  async add(record: DecisionRecord): Promise<void> {
    await this.store.write((db) => {
      db.query(INSERT).run(
        record.id,
        record.at,
        record.verdict,
        record.enforced ? 1 : 0,
        record.score,
        JSON.stringify(record.findings),
        record.direction,
        record.origin,
        record.actor ?? null,
        record.sessionKey ?? null,
        record.runId ?? null,
        record.excerpt,
      );
      db.query(PRUNE).run(this.maxRows);
    });
  }

  async find(id: string): Promise<DecisionRecord | null> {
    return this.store.read((db) => decisionIn(db, id));
  }

  /** The newest `limit` decisions, newest first. */
  async newest(limit: number): Promise<DecisionRecord[]> {
    const rows = await this.store.read(
      (db) => db.query("SELECT * FROM decisions ORDER BY seq DESC LIMIT ?").all(limit) as Row[],
    );
    return rows.map(recordOf);
  }
}

/** A decision in a database that is open already, also one that is only read. */
export function decisionIn(db: Database, id: string): DecisionRecord | null {
  const row = db.query("SELECT * FROM decisions WHERE id = ?").get(id) as Row | null;
  return row && recordOf(row);
}

function recordOf(row: Row): DecisionRecord {
  const { id, at, verdict, score, direction, origin, excerpt } = row;
  return {
    id,
    at,
    verdict,
    enforced: row.enforced === 1,
    score,
    findings: JSON.parse(row.findings) as Finding[],
    direction,
    origin,
    ...(row.actor !== null && { actor: row.actor }),
    ...(row.session_key !== null && { sessionKey: row.session_key }),
    ...(row.run_id !== null && { runId: row.run_id }),
    excerpt,
  };
}
