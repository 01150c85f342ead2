import type { Store } from "../store/store.ts";

/** A person, or the owner of the gateway whoever that is. */
export interface Profile {
  id: string;
  /** The name that a proxy vouches for; null for the owner. */
  identity: string | null;
  displayName: string | null;
  /** Epoch milliseconds. */
  createdAt: number;
  updatedAt: number;
}

interface Row {
  id: string;
  identity: string | null;
  display_name: string | null;
  created_at: number;
  updated_at: number;
}

const INSERT = `INSERT INTO user_profiles (id, identity, display_name, created_at, updated_at)
  SELECT ?1, ?2, NULL, ?3, ?3 WHERE (SELECT count(*) FROM user_profiles) < ?4 ON CONFLICT DO NOTHING`;
const PUT = `INSERT INTO user_preferences (profile_id, key, value) VALUES (?1, ?2, ?3)
  ON CONFLICT (profile_id, key) DO UPDATE SET value = ?3`;

/** Profiles and their preferences on disk. */
export class UserRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: { profiles: number; preferences: number },
  ) {}

  /** Makes the profile unless it is there, or there are too many. */
  async add({ id, identity }: { id: string; identity: string | null }, now: number): Promise<void> {
    await this.store.write((db) => db.query(INSERT).run(id, identity, now, this.bounds.profiles));
  }

  /** All profiles, the oldest first. */
  list(): Promise<Profile[]> {
    return this.store.read((db) =>
      db.query<Row, []>("SELECT * FROM user_profiles ORDER BY created_at, id").all().map(fromRow),
    );
  }

  find(id: string): Promise<Profile | null> {
    return this.store.read((db) => one(db.query<Row, [string]>("SELECT * FROM user_profiles WHERE id = ?").get(id)));
  }

  byIdentity(identity: string): Promise<Profile | null> {
    return this.store.read((db) =>
      one(db.query<Row, [string]>("SELECT * FROM user_profiles WHERE identity = ?").get(identity)),
    );
  }

  /** The profile after the change; null when there is none of that id. */
  rename(id: string, displayName: string | null, now: number): Promise<Profile | null> {
    const sql = "UPDATE user_profiles SET display_name = ?, updated_at = ? WHERE id = ? RETURNING *";
    return this.store.write((db) => one(db.query<Row, [string | null, number, string]>(sql).get(displayName, now, id)));
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
  change(id: string, entries: readonly (readonly [string, string | null])[]): Promise<number | null> {
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
}

function valuesOf(db: Parameters<Parameters<Store["read"]>[0]>[0], id: string): { key: string; value: string }[] {
  const sql = "SELECT key, value FROM user_preferences WHERE profile_id = ? ORDER BY key";
  return db.query<{ key: string; value: string }, [string]>(sql).all(id);
}

const one = (row: Row | null): Profile | null => row && fromRow(row);

const fromRow = (row: Row): Profile => ({
  id: row.id,
  identity: row.identity,
  displayName: row.display_name,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
