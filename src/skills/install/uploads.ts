import type { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import type {
  SkillsUploadBeginParams,
  SkillsUploadChunkParams,
  SkillsUploadCommitParams,
} from "../../../generated/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { uuid } from "../../platform/ids.ts";
import type { Store } from "../../store/store.ts";
import { isSlug } from "./folder.ts";

/** Counts, bytes and milliseconds; values and reasons in `spec/chela/limits.yaml`. */
export interface UploadLimits {
  skillUploads: number;
  skillUploadBytes: number;
  skillUploadTtlMs: number;
}

export interface UploadState {
  uploadId: string;
  receivedBytes: number;
  expiresAt: number;
}

export interface CommittedUpload {
  slug: string;
  sha256: string;
  archive: Buffer;
}

interface Row {
  id: string;
  slug: string;
  force: number;
  size: number;
  sha256: string | null;
  received: number;
  committed: number;
  expiresAt: number;
}

const COLUMNS = "id, slug, force, size, sha256, received, committed, expires_at AS expiresAt";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Archives that come in piece by piece. Refusals in upstream's words (2026.9.6). */
export class SkillUploads {
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly limits: UploadLimits,
  ) {}

  /** @throws GatewayError for a bad slug, too large an archive, or a key that another upload has */
  begin({ slug, force = false, sizeBytes, sha256, idempotencyKey }: SkillsUploadBeginParams): Promise<UploadState> {
    if (!isSlug(slug)) throw invalidRequest(`Invalid skill slug: ${slug}`);
    const { skillUploadBytes, skillUploads, skillUploadTtlMs } = this.limits;
    if (sizeBytes > skillUploadBytes) throw invalidRequest("skill archive exceeds maximum upload size");
    const expiresAt = this.clock.now() + skillUploadTtlMs;
    return this.write((db) => {
      const known = idempotencyKey === undefined ? null : byKey(db, idempotencyKey);
      if (known) {
        const same = known.slug === slug && known.size === sizeBytes && known.force === Number(force);
        if (!same) throw invalidRequest("idempotencyKey conflicts with a different upload");
        return stateOf(known);
      }
      const { count } = db.query("SELECT count(*) AS count FROM skill_uploads").get() as { count: number };
      if (count >= skillUploads) throw invalidRequest("too many uploads are open");
      const id = uuid();
      db.query(
        `INSERT INTO skill_uploads (id, slug, force, size, sha256, idempotency_key, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ).run(id, slug, Number(force), sizeBytes, sha256?.toLowerCase() ?? null, idempotencyKey ?? null, expiresAt);
      return { uploadId: id, receivedBytes: 0, expiresAt };
    });
  }

  /** @throws GatewayError for an offset that is not the end of what is there, and for more than was announced */
  chunk({ uploadId, offset, dataBase64 }: SkillsUploadChunkParams): Promise<UploadState> {
    return this.write((db) => {
      const row = find(db, uploadId);
      if (row.committed) throw invalidRequest("upload is already committed");
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(dataBase64)) throw invalidRequest("invalid dataBase64");
      if (offset !== row.received)
        throw invalidRequest(`upload offset mismatch: expected ${row.received}, got ${offset}`);
      const data = Buffer.from(dataBase64, "base64");
      const received = row.received + data.length;
      if (received > row.size) throw invalidRequest("upload chunk exceeds declared size");
      // A piece of nothing would hold the place of the one that begins there.
      if (data.length === 0) return stateOf(row);
      db.query("INSERT INTO skill_upload_pieces (upload_id, position, data) VALUES (?, ?, ?)").run(
        row.id,
        offset,
        data,
      );
      db.query("UPDATE skill_uploads SET received = ? WHERE id = ?").run(received, row.id);
      return stateOf({ ...row, received });
    });
  }

  /** Nothing can be added afterwards. @throws GatewayError when size or hash are not as announced */
  commit({ uploadId, sha256 }: SkillsUploadCommitParams): Promise<UploadState & { sha256: string }> {
    return this.write((db) => {
      const row = find(db, uploadId);
      if (row.received !== row.size) {
        throw invalidRequest(`upload size mismatch: expected ${row.size}, got ${row.received}`);
      }
      const actual = createHash("sha256").update(archiveOf(db, row.id)).digest("hex");
      for (const stated of [sha256?.toLowerCase(), row.sha256]) {
        if (stated && stated !== actual) throw invalidRequest("upload sha256 mismatch");
      }
      db.query("UPDATE skill_uploads SET committed = 1, sha256 = ? WHERE id = ?").run(actual, row.id);
      return { ...stateOf(row), sha256: actual };
    });
  }

  /** Gives a committed archive away: it can be installed once. @throws GatewayError unless slug and force are as announced */
  take(params: { uploadId: string; slug: string; force?: boolean; sha256?: string }): Promise<CommittedUpload> {
    return this.write((db) => {
      const row = find(db, params.uploadId);
      if (!row.committed) throw invalidRequest("upload is not committed");
      if (row.slug !== params.slug) throw invalidRequest("install slug does not match upload slug");
      if (row.force !== Number(params.force ?? false))
        throw invalidRequest("install force does not match upload force");
      if (params.sha256 && params.sha256.toLowerCase() !== row.sha256) throw invalidRequest("upload sha256 mismatch");
      const archive = archiveOf(db, row.id);
      db.query("DELETE FROM skill_uploads WHERE id = ?").run(row.id);
      return { slug: row.slug, sha256: row.sha256!, archive };
    });
  }

  /** Removes archives that nobody has installed in time; else they would lie in the store until the next upload. */
  forgetOld(): Promise<void> {
    return this.write(() => undefined);
  }

  private write<T>(work: (db: Database) => T): Promise<T> {
    const now = this.clock.now();
    return this.store.write((db) => {
      db.query("DELETE FROM skill_uploads WHERE expires_at <= ?").run(now);
      return work(db);
    });
  }
}

function find(db: Database, id: string): Row {
  if (!UUID.test(id)) throw invalidRequest("invalid uploadId");
  const row = db.query(`SELECT ${COLUMNS} FROM skill_uploads WHERE id = ?`).get(id.toLowerCase()) as Row | null;
  if (!row) throw invalidRequest(`upload not found: ${id}`);
  return row;
}

const byKey = (db: Database, key: string): Row | null =>
  db.query(`SELECT ${COLUMNS} FROM skill_uploads WHERE idempotency_key = ?`).get(key) as Row | null;

function archiveOf(db: Database, id: string): Buffer {
  const sql = "SELECT data FROM skill_upload_pieces WHERE upload_id = ? ORDER BY position";
  return Buffer.concat((db.query(sql).all(id) as { data: Uint8Array }[]).map(({ data }) => data));
}

const stateOf = ({ id, received, expiresAt }: Row): UploadState => ({
  uploadId: id,
  receivedBytes: received,
  expiresAt,
});
