import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";

/** A person, or the owner of the gateway whoever that is. */
export interface Profile {
  id: string;
  displayName: string | null;
  /** The profile that this one has become a part of. */
  mergedInto: string | null;
  /** Epoch milliseconds. */
  createdAt: number;
  updatedAt: number;
  /** Names that a proxy vouches for, in small letters and alphabetical order; the owner has none. */
  identities: string[];
  avatar: { mime: AvatarMime; sha256: string } | null;
}

export type AvatarMime = "image/png" | "image/jpeg" | "image/webp";

interface Row {
  id: string;
  display_name: string | null;
  merged_into: string | null;
  created_at: number;
  updated_at: number;
  identities: string;
  mime: AvatarMime | null;
  sha256: string | null;
}

const SELECT = `SELECT p.id, display_name, merged_into, created_at, updated_at, mime, sha256,
  (SELECT json_group_array(identity) FROM
    (SELECT identity FROM user_identities WHERE profile_id = p.id ORDER BY identity)) AS identities
  FROM user_profiles p LEFT JOIN user_avatars a ON a.profile_id = p.id`;
const INSERT = `INSERT INTO user_profiles (id, display_name, created_at, updated_at)
  SELECT ?1, ?2, ?3, ?3 WHERE (SELECT count(*) FROM user_profiles) < ?4 ON CONFLICT DO NOTHING`;
const NAME = `INSERT INTO user_identities (identity, profile_id) SELECT ?1, ?2
  WHERE EXISTS (SELECT 1 FROM user_profiles WHERE id = ?2)`;
const PUT = `INSERT INTO user_preferences (profile_id, key, value) VALUES (?1, ?2, ?3)
  ON CONFLICT (profile_id, key) DO UPDATE SET value = ?3`;

/** Profiles with their names, pictures and preferences on disk. A merged profile stands for the one it became part of. */
export class UserRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: { profiles: number; preferences: number; identities: number },
  ) {}

  /** Makes the profile unless it, or one of that name, is there, or there are too many. */
  async add(profile: { id: string; identity: string | null; displayName: string | null }, now: number): Promise<void> {
    const { id, identity, displayName } = profile;
    await this.store.write((db) => {
      if (identity !== null && ownerOf(db, identity) !== null) return;
      db.query(INSERT).run(id, displayName, now, this.bounds.profiles);
      if (identity !== null) db.query(NAME).run(identity, id);
    });
  }

  /** All profiles, the oldest first, those that were merged included. */
  list(): Promise<Profile[]> {
    return this.store.read((db) => db.query<Row, []>(`${SELECT} ORDER BY created_at, id`).all().map(fromRow));
  }

  /** The profile of that id, or the one that it was merged into. */
  find(id: string): Promise<Profile | null> {
    return this.store.read((db) => survivor(db, id));
  }

  byIdentity(identity: string): Promise<Profile | null> {
    return this.store.read((db) => {
      const id = ownerOf(db, identity);
      return id === null ? null : survivor(db, id);
    });
  }

  /** The profile after the change; null when there is none of that id. */
  rename(id: string, displayName: string | null, now: number): Promise<Profile | null> {
    const sql = "UPDATE user_profiles SET display_name = ?, updated_at = ? WHERE id = ?";
    return this.change(id, (db, own) => db.query(sql).run(displayName, now, own));
  }

  /** Notes that something about the profile was decided anew. */
  touch(id: string, now: number): Promise<Profile | null> {
    return this.change(id, (db, own) => touch(db, own, now));
  }

  setAvatar(
    id: string,
    avatar: { mime: AvatarMime; sha256: string; bytes: Uint8Array },
    now: number,
  ): Promise<Profile | null> {
    const sql = `INSERT INTO user_avatars (profile_id, mime, sha256, bytes) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT (profile_id) DO UPDATE SET mime = ?2, sha256 = ?3, bytes = ?4`;
    return this.change(id, (db, own) => {
      db.query(sql).run(own, avatar.mime, avatar.sha256, avatar.bytes);
      touch(db, own, now);
    });
  }

  avatar(id: string): Promise<{ mime: AvatarMime; sha256: string; bytes: Uint8Array } | null> {
    return this.store.read((db) => {
      const own = survivor(db, id)?.id;
      if (own === undefined) return null;
      const sql = "SELECT mime, sha256, bytes FROM user_avatars WHERE profile_id = ?";
      return db.query<{ mime: AvatarMime; sha256: string; bytes: Uint8Array }, [string]>(sql).get(own);
    });
  }

  /**
   * Makes the name one of the profile's. A profile that has it becomes a part of this one, with all its names, and with
   * its preferences, picture and mentions where this one has none. Returns the profile after it, null when there is none
   * of that id, or `full` when it has too many names.
   */
  link(identity: string, id: string, now: number): Promise<Profile | null | "full"> {
    return this.store.write((db) => {
      const target = survivor(db, id);
      if (target === null || target.identities.includes(identity)) return target;
      const other = ownerOf(db, identity);
      const more = other === null ? 1 : (survivor(db, other)?.identities.length ?? 1);
      if (target.identities.length + more > this.bounds.identities) return "full";
      if (other === null) db.query(NAME).run(identity, target.id);
      else merge(db, other, target.id, now);
      touch(db, target.id, now);
      return survivor(db, target.id);
    });
  }

  /** Preferences by key; of the keys asked for, those that are set. */
  preferences(id: string, keys?: readonly string[]): Promise<Map<string, unknown>> {
    const wanted = keys && new Set(keys);
    return this.store.read((db) => {
      const rows = valuesOf(db, id).filter(({ key }) => wanted === undefined || wanted.has(key));
      return new Map(rows.map(({ key, value }) => [key, JSON.parse(value) as unknown]));
    });
  }

  /**
   * Sets preferences, and forgets those whose value is null: all of them, or none when there would be too many. Returns
   * null when done, else how many there are.
   */
  changePreferences(id: string, entries: readonly (readonly [string, string | null])[]): Promise<number | null> {
    return this.store.write((db) => {
      const before = valuesOf(db, id).map(({ key }) => key);
      const after = new Set(before);
      for (const [key, value] of entries) {
        if (value === null) after.delete(key);
        else after.add(key);
      }
      if (after.size > this.bounds.preferences && after.size > before.length) return before.length;
      const remove = db.query("DELETE FROM user_preferences WHERE profile_id = ? AND key = ?");
      for (const [key, value] of entries) {
        if (value === null) remove.run(id, key);
        else db.query(PUT).run(id, key, value);
      }
      return null;
    });
  }

  private change(id: string, work: (db: Database, own: string) => void): Promise<Profile | null> {
    return this.store.write((db) => {
      const own = survivor(db, id)?.id;
      if (own === undefined) return null;
      work(db, own);
      return survivor(db, own);
    });
  }
}

/** What the other had and the target has not goes over; what both have stays the target's. */
function merge(db: Database, other: string, target: string, now: number): void {
  db.query("UPDATE user_identities SET profile_id = ?2 WHERE profile_id = ?1").run(other, target);
  for (const table of ["user_preferences", "user_avatars", "user_mentions"]) {
    db.query(`UPDATE OR IGNORE ${table} SET profile_id = ?2 WHERE profile_id = ?1`).run(other, target);
    db.query(`DELETE FROM ${table} WHERE profile_id = ?`).run(other);
  }
  const sql = "UPDATE user_profiles SET merged_into = ?2, updated_at = ?3 WHERE id = ?1 OR merged_into = ?1";
  db.query(sql).run(other, target, now);
}

function touch(db: Database, id: string, now: number): void {
  db.query("UPDATE user_profiles SET updated_at = ? WHERE id = ?").run(now, id);
}

/** Merging points every merged profile at the one that is left, so one step leads there. */
function survivor(db: Database, id: string): Profile | null {
  const row = db.query<Row, [string]>(`${SELECT} WHERE p.id = ?`).get(id);
  if (row === null || row.merged_into === null) return row && fromRow(row);
  return survivor(db, row.merged_into);
}

function ownerOf(db: Database, identity: string): string | null {
  const sql = "SELECT profile_id AS id FROM user_identities WHERE identity = ?";
  return db.query<{ id: string }, [string]>(sql).get(identity)?.id ?? null;
}

function valuesOf(db: Database, id: string): { key: string; value: string }[] {
  const sql = "SELECT key, value FROM user_preferences WHERE profile_id = ? ORDER BY key";
  return db.query<{ key: string; value: string }, [string]>(sql).all(id);
}

const fromRow = (row: Row): Profile => ({
  id: row.id,
  displayName: row.display_name,
  mergedInto: row.merged_into,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  identities: JSON.parse(row.identities) as string[],
  avatar: row.mime !== null && row.sha256 !== null ? { mime: row.mime, sha256: row.sha256 } : null,
});
