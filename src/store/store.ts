import { Database } from "bun:sqlite";
import { chmodSync, closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
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
  /** Begins the transaction of writes that can wait, unless another one takes them along before. */
  private later: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  private constructor(readonly db: Database) {}

  /** Opens (and creates) the database file and brings its schema up to date. `:memory:` works for tests. */
  static open(path: string): Store {
    if (path !== ":memory:") makePrivate(path);
    // The driver's own twenty are fewer than one turn uses, so that it would prepare each of them anew every time.
    Database.MAX_QUERY_CACHE_SIZE = LIMITS.preparedStatements;
    const db = new Database(path, { create: true, strict: true });
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL");
    db.exec("PRAGMA foreign_keys = ON");
    db.exec("PRAGMA busy_timeout = 5000");
    db.exec(`PRAGMA wal_autocheckpoint = ${LIMITS.walPages}`);
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
    const written = this.enqueue(work);
    this.hasten();
    return written;
  }

  /**
   * Queues a write that nobody waits for: it goes with the next write that cannot wait, or after `lazyWriteMs` by itself,
   * so that it seldom costs a commit of its own. Until then a crash loses it.
   */
  writeSoon<T>(work: Work<T>): Promise<T> {
    const written = this.enqueue(work);
    if (!this.closed && !this.scheduled) this.later ??= setTimeout(() => this.hasten(), LIMITS.lazyWriteMs);
    return written;
  }

  /** Has what is queued written in this turn of the event loop. */
  hasten(): void {
    if (this.scheduled || this.queue.length === 0) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  private enqueue<T>(work: Work<T>): Promise<T> {
    if (this.closed) return Promise.reject(new Error("the store is closed"));
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
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
    clearTimeout(this.later);
    this.later = undefined;
    const batch = this.queue;
    if (batch.length === 0 || this.closed) return;
    this.queue = [];
    const settled: (() => void)[] = [];
    try {
      this.db.transaction(() => {
        // One alone needs no savepoint: what it leaves when it throws is undone with the transaction.
        if (batch.length === 1) settled.push(this.runAlone(batch[0]!));
        else for (const write of batch) settled.push(this.runOne(write));
      })();
    } catch (error) {
      for (const write of batch) write.reject(error);
      return;
    }
    for (const settle of settled) settle();
  }

  private runAlone(write: QueuedWrite): () => void {
    const value = write.work(this.db);
    return () => write.resolve(value);
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
