import type { WorktreeRecord } from "../../generated/types.ts";
import type { Store } from "../store/store.ts";

interface Row {
  id: string;
  name: string;
  repo_fingerprint: string;
  repo_root: string;
  path: string;
  branch: string;
  base_ref: string;
  snapshot_ref: string | null;
  created_at: number;
  last_active_at: number;
  removed_at: number | null;
}

/** Worktrees on disk, those that were removed and can be had back included. */
export class WorktreeRepository {
  constructor(private readonly store: Store) {}

  /** The latest first. */
  list(): Promise<WorktreeRecord[]> {
    const sql = "SELECT * FROM worktrees ORDER BY created_at DESC, id";
    return this.store.read((db) => db.query<Row, []>(sql).all().map(fromRow));
  }

  find(id: string): Promise<WorktreeRecord | null> {
    const sql = "SELECT * FROM worktrees WHERE id = ?";
    return this.store.read((db) => one(db.query<Row, [string]>(sql).get(id)));
  }

  named(fingerprint: string, name: string): Promise<WorktreeRecord | null> {
    const sql = "SELECT * FROM worktrees WHERE repo_fingerprint = ? AND name = ?";
    return this.store.read((db) => one(db.query<Row, [string, string]>(sql).get(fingerprint, name)));
  }

  add(record: WorktreeRecord): Promise<void> {
    const sql = `INSERT INTO worktrees (id, name, repo_fingerprint, repo_root, path, branch, base_ref, created_at, last_active_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    const { id, name, repoFingerprint, repoRoot, path, branch, baseRef, createdAt, lastActiveAt } = record;
    return this.store.write(
      (db) =>
        void db.query(sql).run(id, name, repoFingerprint, repoRoot, path, branch, baseRef, createdAt, lastActiveAt),
    );
  }

  /** It was used, or is there again. */
  live(id: string, now: number): Promise<void> {
    const sql = "UPDATE worktrees SET last_active_at = ?, removed_at = NULL WHERE id = ?";
    return this.store.write((db) => void db.query(sql).run(now, id));
  }

  removed(id: string, snapshotRef: string | undefined, now: number): Promise<void> {
    const sql = "UPDATE worktrees SET removed_at = ?, snapshot_ref = ? WHERE id = ?";
    return this.store.write((db) => void db.query(sql).run(now, snapshotRef ?? null, id));
  }

  forget(id: string): Promise<void> {
    return this.store.write((db) => void db.query("DELETE FROM worktrees WHERE id = ?").run(id));
  }
}

const one = (row: Row | null): WorktreeRecord | null => row && fromRow(row);

const fromRow = (row: Row): WorktreeRecord => ({
  id: row.id,
  name: row.name,
  repoFingerprint: row.repo_fingerprint,
  repoRoot: row.repo_root,
  path: row.path,
  branch: row.branch,
  baseRef: row.base_ref,
  ownerKind: "manual",
  ...(row.snapshot_ref !== null && { snapshotRef: row.snapshot_ref }),
  createdAt: row.created_at,
  lastActiveAt: row.last_active_at,
  ...(row.removed_at !== null && { removedAt: row.removed_at }),
});
