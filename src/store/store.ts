import { Database } from "bun:sqlite";
import { chmodSync, closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateDirectory } from "../platform/private-file.ts";
import { migrate } from "./migrate.ts";

/** A unit of work against the database. It is synchronous: a transaction never spans an await. */
export type Work<T> = (db: Database) => T;

interface QueuedWrite {
  work: Work<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * One SQLite database, WAL, `synchronous=FULL`, with group commit: all writes of one event-loop turn share
 * one transaction, and a write's promise resolves only after that transaction is on disk. So what a caller
 * has been told is stored survives `kill -9` and power loss, at the cost of one fsync per turn, not per write.
 */
export class Store {
  private queue: QueuedWrite[] = [];
  private scheduled = false;
  private closed = false;

  private constructor(readonly db: Database) {}

  /** Opens (and creates) the database file and brings its schema up to date. `:memory:` works for tests. */
  static open(path: string): Store {
    if (path !== ":memory:") makePrivate(path);
    const db = new Database(path, { create: true, strict: true });
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL");
    db.exec("PRAGMA foreign_keys = ON");
    db.exec("PRAGMA busy_timeout = 5000");
    migrate(db);
    return new Store(db);
  }

  /** Runs a read at once. It sees every acknowledged write. */
  async read<T>(work: Work<T>): Promise<T> {
    return work(this.db);
  }

  /**
   * Queues a write; it runs in this turn's group transaction under its own savepoint, so one that throws
   * undoes only itself and rejects only its own promise. Order of queueing is order of execution.
   */
  write<T>(work: Work<T>): Promise<T> {
    if (this.closed) return Promise.reject(new Error("the store is closed"));
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (this.scheduled) return;
      this.scheduled = true;
      setImmediate(() => this.flush());
    });
  }

  /** Commits what is queued and closes the file. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.db.close();
  }

  private flush(): void {
    this.scheduled = false;
    const batch = this.queue;
    if (batch.length === 0 || this.closed) return;
    this.queue = [];
    const settled: (() => void)[] = [];
    try {
      this.db.transaction(() => {
        for (const write of batch) settled.push(this.runOne(write));
      })();
    } catch (error) {
      for (const write of batch) write.reject(error);
      return;
    }
    for (const settle of settled) settle();
  }

  private runOne(write: QueuedWrite): () => void {
    try {
      const value = this.db.transaction(() => write.work(this.db))();
      return () => write.resolve(value);
    } catch (error) {
      // A full or failing disk makes SQLite give up the whole transaction. Then nothing of the batch may count, and
      // nothing of its rest may run, since each write of it would be committed by itself.
      if (!this.db.inTransaction) throw error;
      return () => write.reject(error);
    }
  }
}

/**
 * Makes sure that only its owner may touch the database, whatever the umask, and also when it was copied back from
 * elsewhere. SQLite gives the files beside it the same mode.
 */
function makePrivate(path: string): void {
  makePrivateDirectory(dirname(path));
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
}
