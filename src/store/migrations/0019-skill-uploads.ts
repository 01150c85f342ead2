import type { Migration } from "../migrate.ts";

/** Archives of skills that are being uploaded, piece by piece, until they are installed or too old. */
export const skillUploads: Migration = {
  version: 19,
  name: "skill-uploads",
  up: (db) => {
    db.exec(`
      CREATE TABLE skill_uploads (
        id TEXT PRIMARY KEY,
        slug TEXT NOT NULL,
        force INTEGER NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT,
        idempotency_key TEXT UNIQUE,
        received INTEGER NOT NULL DEFAULT 0,
        committed INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE skill_upload_pieces (
        upload_id TEXT NOT NULL REFERENCES skill_uploads (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (upload_id, position)
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
