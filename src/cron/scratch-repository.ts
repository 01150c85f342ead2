import type { CronScratchSetResult } from "../../generated/types.ts";
import type { Store } from "../store/store.ts";

/** What a job has noted; `content` is null once it was taken away. Times are epoch milliseconds. */
interface Scratch {
  content: string | null;
  revision: number;
  updatedAtMs: number;
}

const NONE: Scratch = { content: null, revision: 0, updatedAtMs: 0 };

/** Notes of jobs. Each change counts up a revision, by which two writers notice each other. */
export class ScratchRepository {
  constructor(
    private readonly store: Store,
    private readonly maxBytes: number,
  ) {}

  async get(jobId: string) {
    return this.shown((await this.read(jobId)) ?? NONE);
  }

  /** The text alone, null when there is none. */
  async text(jobId: string): Promise<string | null> {
    return (await this.read(jobId))?.content?.trim() || null;
  }

  /**
   * Replaces the notes, or takes them away with null. Nothing changes when the revision is not the one expected.
   * The caller has made sure that there is such a job; of one that is removed meanwhile nothing is kept.
   */
  set(jobId: string, content: string | null, expected: number | undefined, now: number): Promise<CronScratchSetResult> {
    return this.store.write((db): CronScratchSetResult => {
      const known = db.query<Scratch, [string]>(SELECT).get(jobId) ?? NONE;
      if (expected !== undefined && expected !== known.revision) {
        return { ok: false, reason: "revision-conflict", currentRevision: known.revision };
      }
      const isNothing = known.revision === 0 && content === null;
      const exists = db.query("SELECT 1 FROM cron_jobs WHERE id = ?").get(jobId) !== null;
      if (isNothing || !exists) return { ok: true, ...this.shown(known) };
      const next = { content, revision: known.revision + 1, updatedAtMs: now };
      db.query(
        `INSERT INTO cron_scratch (job_id, content, revision, updated_at) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (job_id) DO UPDATE SET content = ?2, revision = ?3, updated_at = ?4`,
      ).run(jobId, content, next.revision, now);
      return { ok: true, ...this.shown(next) };
    });
  }

  private read(jobId: string): Promise<Scratch | null> {
    return this.store.read((db) => db.query<Scratch, [string]>(SELECT).get(jobId));
  }

  private shown({ content, revision, updatedAtMs }: Scratch) {
    const scratch = content === null ? null : { content, revision, updatedAtMs };
    return { scratch, currentRevision: revision, maxBytes: this.maxBytes };
  }
}

const SELECT = "SELECT content, revision, updated_at AS updatedAtMs FROM cron_scratch WHERE job_id = ?";
