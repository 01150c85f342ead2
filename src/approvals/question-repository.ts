import type { Database } from "bun:sqlite";
import type { QuestionRecord } from "../../generated/types.ts";
import type { Store } from "../store/store.ts";

export interface QuestionBounds {
  questionsWaitingMax: number;
  questionsKept: number;
  questionsKeptMs: number;
}

/** Questions in the database. Every change is one transaction, so that of two answers the first one counts. */
export class QuestionRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: QuestionBounds,
  ) {}

  create(question: QuestionRecord): Promise<"created" | "taken" | "full"> {
    return this.store.write((db) => {
      const { questionsWaitingMax, questionsKept, questionsKeptMs } = this.bounds;
      db.query("DELETE FROM questions WHERE resolved_at <= ?").run(question.createdAtMs - questionsKeptMs);
      db.query(
        `DELETE FROM questions WHERE id IN (SELECT id FROM questions WHERE resolved_at IS NOT NULL
           ORDER BY resolved_at DESC, id LIMIT -1 OFFSET ?)`,
      ).run(questionsKept);
      if (byId(db, question.id) !== null) return "taken";
      const { waiting } = db.query("SELECT count(*) AS waiting FROM questions WHERE resolved_at IS NULL").get() as {
        waiting: number;
      };
      if (waiting >= questionsWaitingMax) return "full";
      save(db, question, null);
      return "created";
    });
  }

  find(id: string): Promise<QuestionRecord | null> {
    return this.store.read((db) => byId(db, id));
  }

  /** Those that wait at `now`, oldest first. */
  waiting(now: number): Promise<QuestionRecord[]> {
    return this.store.read((db) =>
      db
        .query("SELECT data FROM questions WHERE resolved_at IS NULL AND expires_at > ? ORDER BY created_at, rowid")
        .all(now)
        .map(parse),
    );
  }

  /** Changes one question by what `decide` makes of it; null for an unknown id. What `decide` throws undoes all. */
  change(
    id: string,
    now: number,
    decide: (question: QuestionRecord) => QuestionRecord,
  ): Promise<QuestionRecord | null> {
    return this.store.write((db) => {
      const before = byId(db, id);
      if (before === null) return null;
      const after = decide(before);
      if (after !== before) save(db, after, now);
      return after;
    });
  }

  /** Ends those whose time is over, and gives them. */
  expire(now: number): Promise<QuestionRecord[]> {
    return this.store.write((db) => {
      const due = db.query("SELECT data FROM questions WHERE resolved_at IS NULL AND expires_at <= ?").all(now);
      const ended = due.map((row): QuestionRecord => ({ ...parse(row), status: "expired" }));
      for (const question of ended) save(db, question, now);
      return ended;
    });
  }

  nextExpiry(): Promise<number | null> {
    return this.store.read((db) => {
      const row = db.query("SELECT min(expires_at) AS next FROM questions WHERE resolved_at IS NULL").get();
      return (row as { next: number | null }).next;
    });
  }
}

const parse = (row: unknown): QuestionRecord => JSON.parse((row as { data: string }).data) as QuestionRecord;

function byId(db: Database, id: string): QuestionRecord | null {
  const row = db.query("SELECT data FROM questions WHERE id = ?").get(id);
  return row === null ? null : parse(row);
}

function save(db: Database, question: QuestionRecord, resolvedAtMs: number | null): void {
  const { id, createdAtMs, expiresAtMs } = question;
  db.query(
    `INSERT INTO questions (id, created_at, expires_at, resolved_at, data) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (id) DO UPDATE SET resolved_at = ?4, data = ?5`,
  ).run(id, createdAtMs, expiresAtMs, resolvedAtMs, JSON.stringify(question));
}
