import type { Database } from "bun:sqlite";
import { GatewayError } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import type { Job, RunEntry } from "./job.ts";
import { without } from "./outcome.ts";
import { beginRun, endRun, type RunStart } from "./run-repository.ts";

/**
 * Jobs in the database. A job's claim to run and the record of that run are one write, as are the run's end and what it
 * means for the job.
 */
export class JobRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: { cronMaxJobs: number; cronRunsPerJob: number },
  ) {}

  all(): Promise<Job[]> {
    return this.store.read((db) => rows(db.query("SELECT data FROM cron_jobs ORDER BY rowid").all()));
  }

  find(id: string): Promise<Job | null> {
    return this.store.read((db) => find(db, id));
  }

  findDeclared(key: string): Promise<Job | null> {
    return this.store.read((db) => row(db.query("SELECT data FROM cron_jobs WHERE declaration_key = ?").get(key)));
  }

  /** @throws GatewayError when there are too many jobs, or one of the same declaration key has come meanwhile */
  add(job: Job): Promise<void> {
    return this.store.write((db) => {
      const { count } = db.query("SELECT COUNT(*) AS count FROM cron_jobs").get() as { count: number };
      if (count >= this.bounds.cronMaxJobs) {
        throw new GatewayError("UNAVAILABLE", `There are ${count} jobs; remove some before you add another.`);
      }
      const { declarationKey: key } = job;
      if (key !== undefined && db.query("SELECT 1 FROM cron_jobs WHERE declaration_key = ?").get(key) !== null) {
        throw new GatewayError("UNAVAILABLE", `A job of the declaration key ${key} is being added.`, {
          retryable: true,
        });
      }
      save(db, job);
    });
  }

  /** Changes a job as it is when its turn comes. `decide` throws to leave it as it is. */
  change(id: string, decide: (job: Job | null) => Job | null): Promise<Job | null> {
    return this.store.write((db) => {
      const job = decide(find(db, id));
      if (job !== null) save(db, job);
      return job;
    });
  }

  /** Resolves with the job that was removed. Its runs stay. */
  remove(id: string): Promise<Job | null> {
    return this.store.write((db) => {
      const job = find(db, id);
      if (job !== null) db.query("DELETE FROM cron_jobs WHERE id = ?").run(id);
      return job;
    });
  }

  /** Jobs that are due at a moment, the longest due first. */
  due(now: number, limit: number): Promise<Job[]> {
    return this.store.read((db) =>
      rows(db.query("SELECT data FROM cron_jobs WHERE next_run_at <= ? ORDER BY next_run_at LIMIT ?").all(now, limit)),
    );
  }

  /** Enabled jobs that wait for what a command does. */
  watching(): Promise<Job[]> {
    return this.store.read((db) =>
      rows(
        db
          .query("SELECT data FROM cron_jobs WHERE enabled = 1 AND data ->> '$.schedule.kind' IN ('on-exit', 'stream')")
          .all(),
      ),
    );
  }

  /** When the next job is due; null when none is. */
  nextDueAt(): Promise<number | null> {
    return this.store.read((db) => {
      const { at } = db.query("SELECT MIN(next_run_at) AS at FROM cron_jobs").get() as { at: number | null };
      return at;
    });
  }

  /**
   * Begins a run if `decide`, which sees the job as it is now, gives the job as it is while it runs. A run of the same id
   * that has been before is not begun again; the job then only goes on to its next time.
   */
  begin(id: string, run: RunStart, decide: (job: Job) => Job | null): Promise<Job | null> {
    return this.store.write((db) => {
      const known = find(db, id);
      const job = known && decide(known);
      if (job === null) return null;
      const isNew = beginRun(db, run);
      save(db, isNew ? job : { ...job, state: without(job.state, "runningAtMs") });
      return isNew ? job : null;
    });
  }

  /**
   * Ends a run. `decide` sees the job as it is now, null when it was removed meanwhile; it gives the run's entry, and the
   * job as it will be, or `remove`.
   */
  end(run: RunStart, decide: (job: Job | null) => { entry: RunEntry; after: Job | "remove" | null }): Promise<Ended> {
    return this.store.write((db) => {
      const known = find(db, run.jobId);
      const { entry, after } = decide(known);
      endRun(db, { ...run, entry }, this.bounds.cronRunsPerJob);
      if (after === "remove") db.query("DELETE FROM cron_jobs WHERE id = ?").run(run.jobId);
      else if (after !== null) save(db, after);
      return { entry, job: after === "remove" ? known : after, removed: after === "remove" };
    });
  }
}

/** A run that has ended, and what became of its job. */
export interface Ended {
  entry: RunEntry;
  job: Job | null;
  removed: boolean;
}

function save(db: Database, job: Job): void {
  const next = job.enabled ? (job.state.nextRunAtMs ?? null) : null;
  db.query(
    `INSERT INTO cron_jobs (id, declaration_key, enabled, next_run_at, data) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (id) DO UPDATE SET declaration_key = ?2, enabled = ?3, next_run_at = ?4, data = ?5`,
  ).run(job.id, job.declarationKey ?? null, job.enabled ? 1 : 0, next, JSON.stringify(job));
}

const find = (db: Database, id: string): Job | null => row(db.query("SELECT data FROM cron_jobs WHERE id = ?").get(id));
const row = (found: unknown): Job | null =>
  found === null ? null : (JSON.parse((found as { data: string }).data) as Job);
const rows = (found: unknown[]): Job[] => found.map((each) => row(each)!);
