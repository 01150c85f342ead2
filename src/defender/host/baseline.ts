import type { Store } from "../../store/store.ts";
import type { HostProblem } from "./differences.ts";
import type { PathFacts } from "./facts.ts";

/** Something that was found wrong with a path and nobody has accepted yet. */
export interface HostFinding {
  path: string;
  problem: HostProblem;
  /** Epoch milliseconds of the first and the last look that saw it. */
  firstAt: number;
  lastAt: number;
}

/** What the guarded paths are when all is well, and what was found since. */
export class Baseline {
  constructor(private readonly store: Store) {}

  async all(): Promise<Map<string, PathFacts>> {
    const rows = await this.store.read(
      (db) => db.query("SELECT path, facts FROM host_baseline").all() as { path: string; facts: string }[],
    );
    return new Map(rows.map(({ path, facts }) => [path, JSON.parse(facts) as PathFacts]));
  }

  async findings(): Promise<HostFinding[]> {
    return this.store.read(
      (db) =>
        db
          .query(
            `SELECT path, problem, first_at AS firstAt, last_at AS lastAt FROM host_findings ORDER BY first_at, path, problem`,
          )
          .all() as HostFinding[],
    );
  }

  /** Takes paths as they are now for right; what was found of them is settled. */
  async accept(facts: ReadonlyMap<string, PathFacts>, by: string, now: number): Promise<void> {
    await this.store.write((db) => {
      const put = db.query(
        "INSERT OR REPLACE INTO host_baseline (path, facts, accepted_at, accepted_by) VALUES (?, ?, ?, ?)",
      );
      const settle = db.query("DELETE FROM host_findings WHERE path = ?");
      for (const [path, found] of facts) {
        put.run(path, JSON.stringify(found), now, by);
        settle.run(path);
      }
    });
  }

  /** Keeps what was found until somebody accepts it, also when the file is put back as it was. */
  async note(found: readonly { path: string; problem: HostProblem }[], now: number): Promise<void> {
    await this.store.write((db) => {
      const put = db.query(
        `INSERT INTO host_findings (path, problem, first_at, last_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (path, problem) DO UPDATE SET last_at = ?3`,
      );
      for (const { path, problem } of found) put.run(path, problem, now);
    });
  }

  /** Lets go of paths that are guarded no longer. */
  async keepOnly(paths: readonly string[]): Promise<void> {
    const kept = JSON.stringify(paths);
    await this.store.write((db) => {
      for (const table of ["host_baseline", "host_findings"]) {
        db.query(`DELETE FROM ${table} WHERE path NOT IN (SELECT value FROM json_each(?))`).run(kept);
      }
    });
  }
}
