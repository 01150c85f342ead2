import type { Database } from "bun:sqlite";
import { LIMITS } from "../../../generated/limits.ts";
import type { Store } from "../../store/store.ts";
import { type RunInput, type RunOutcome, textOf } from "./types.ts";

/** What is stored of a run. */
export interface RunRecord {
  runId: string;
  kind: string;
  sessionKey: string;
  /** Hash of what was asked; another hash under the same key is a conflict. */
  requestHash: string;
  acceptedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** The message while it is not in the transcript; null afterwards. */
  input: RunInput | null;
  outcome: RunOutcome | null;
}

interface RunDbRow {
  run_id: string;
  kind: string;
  session_key: string;
  request_hash: string;
  accepted_at: number;
  started_at: number | null;
  ended_at: number | null;
  input: string | null;
  outcome: string | null;
}

/** How long and how many ended runs are remembered. */
export interface RunRetention {
  /** Milliseconds for which a repeated key gets the old answer. */
  ttlMs: number;
  maxEntries: number;
  /** Milliseconds for which a message that never ran is still shown. */
  pendingTtlMs: number;
}

/** Stores runs by key: idempotency over restarts, and the account of what a crash cut off. */
export class RunRecords {
  /** Ends that could not be stored, by run: whoever asks is told them; the next end that is stored takes them along. */
  private readonly unstored = new Map<string, RunOutcome>();

  /** Runs of programs that have not ended. */
  private readonly programs = new Set<string>();

  /** @param changed is told of each state that a program's run comes to, when it is on disk */
  constructor(
    private readonly store: Store,
    private readonly changed: (runId: string) => void = () => {},
  ) {}

  /**
   * Writes down that a message was accepted. Resolves with null when that is on disk, or with what is known of the
   * key already; then nothing was written. What `also` does is stored with it, and nothing at all when it throws.
   */
  accept(input: RunInput, requestHash: string, also?: (db: Database) => void): Promise<RunRecord | null> {
    const { runId, kind, sessionKey, acceptedAt, message } = input;
    const prompt = kind === "agent" ? textOf(message.content).slice(0, LIMITS.taskPromptChars) : null;
    const stored = this.store.write((db) => {
      const known = find(db, runId);
      if (known) return known;
      also?.(db);
      db.query(
        "INSERT INTO runs (run_id, kind, session_key, request_hash, accepted_at, input, prompt) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ).run(runId, kind, sessionKey, requestHash, acceptedAt, JSON.stringify(input), prompt);
      return null;
    });
    if (kind !== "agent") return stored;
    return stored.then((known) => {
      if (known === null) {
        this.programs.add(runId);
        this.changed(runId);
      }
      return known;
    });
  }

  async find(runId: string): Promise<RunRecord | null> {
    const record = await this.store.read((db) => find(db, runId));
    const outcome = record?.outcome ?? this.unstored.get(runId) ?? null;
    return record && { ...record, outcome };
  }

  /** The message is in the transcript and its run at work. */
  async started(runId: string, at: number): Promise<void> {
    await this.store.write((db) => {
      db.query("UPDATE runs SET started_at = ?, input = NULL WHERE run_id = ?").run(at, runId);
    });
    if (this.programs.has(runId)) this.changed(runId);
  }

  /** The run has ended. A message that never reached the transcript stays, so that it can be shown. */
  async ended(runId: string, outcome: RunOutcome): Promise<void> {
    const missed = [...this.unstored];
    try {
      await this.store.write((db) => {
        for (const [id, earlier] of missed) end(db, id, earlier);
        end(db, runId, outcome);
      });
    } catch (error) {
      this.unstored.set(runId, outcome);
      const [oldest] = this.unstored.keys();
      if (this.unstored.size > LIMITS.runQueueTotal) this.unstored.delete(oldest!);
      throw error;
    }
    for (const [id, earlier] of missed) if (this.unstored.get(id) === earlier) this.unstored.delete(id);
    this.over(runId);
  }

  /** The message was put into the transcript by a run of another key, or it is gone with its session. */
  async settled(runId: string, outcome: RunOutcome): Promise<void> {
    await this.store.write((db) => end(db, runId, outcome, ", input = NULL"));
    this.over(runId);
  }

  private over(runId: string): void {
    if (this.programs.delete(runId)) this.changed(runId);
  }

  /** Runs without an end, oldest first: after a start, those that the last stop cut off. */
  unfinished(): Promise<RunRecord[]> {
    return this.store.read((db) => all(db, "ended_at IS NULL ORDER BY accepted_at, rowid"));
  }

  /** Ended runs whose message never reached the transcript, oldest first. */
  neverRan(limit: number): Promise<RunRecord[]> {
    return this.store.read((db) => {
      const where = "input IS NOT NULL AND ended_at IS NOT NULL ORDER BY accepted_at DESC, rowid DESC LIMIT ?";
      return all(db, where, limit).reverse();
    });
  }

  /** Forgets messages that never ran, of one session: it starts over or is deleted. */
  forgetPending(sessionKey: string): Promise<void> {
    return this.store.write((db) => {
      db.query("UPDATE runs SET input = NULL WHERE input IS NOT NULL AND ended_at IS NOT NULL AND session_key = ?").run(
        sessionKey,
      );
    });
  }

  /** Forgets what was asked and answered in a session whose transcript is gone; how its runs ended stays. */
  forgetAnswers(sessionKey: string): Promise<void> {
    return this.store.write((db) => {
      const sql =
        "UPDATE runs SET prompt = NULL, outcome = json_remove(outcome, '$.reply', '$.result') WHERE session_key = ?";
      db.query(sql).run(sessionKey);
    });
  }

  /** Forgets what is older than its time and what is above the number. Returns how many were forgotten. */
  prune(now: number, { ttlMs, maxEntries, pendingTtlMs }: RunRetention): Promise<number> {
    return this.store.write((db) => {
      const old = db.query(
        "DELETE FROM runs WHERE ended_at IS NOT NULL AND ended_at < CASE WHEN input IS NULL THEN ?1 ELSE ?2 END",
      );
      const surplus = db.query(
        `DELETE FROM runs WHERE run_id IN
           (SELECT run_id FROM runs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT -1 OFFSET ?)`,
      );
      return old.run(now - ttlMs, now - pendingTtlMs).changes + surplus.run(maxEntries).changes;
    });
  }
}

const find = (db: Database, runId: string): RunRecord | null => all(db, "run_id = ?", runId)[0] ?? null;

function all(db: Database, where: string, ...params: (string | number)[]): RunRecord[] {
  return db
    .query<RunDbRow, (string | number)[]>(`SELECT * FROM runs WHERE ${where}`)
    .all(...params)
    .map(fromRow);
}

const fromRow = (row: RunDbRow): RunRecord => ({
  runId: row.run_id,
  kind: row.kind,
  sessionKey: row.session_key,
  requestHash: row.request_hash,
  acceptedAt: row.accepted_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  input: row.input === null ? null : (JSON.parse(row.input) as RunInput),
  outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as RunOutcome),
});

function end(db: Database, runId: string, outcome: RunOutcome, more = ""): void {
  const sql = `UPDATE runs SET ended_at = ?, outcome = ?${more} WHERE run_id = ?`;
  db.query(sql).run(outcome.endedAt, JSON.stringify(outcome), runId);
}
