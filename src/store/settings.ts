import type { Clock } from "../platform/clock.ts";
import type { Store } from "./store.ts";

/** Named JSON values that outlive the process. For a handful of small facts, not for collections. */
export class Settings {
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {}

  /** The stored value, or undefined when there is none. The caller knows the shape it wrote. */
  async get<T>(name: string): Promise<T | undefined> {
    const row = await this.store.read(
      (db) => db.query("SELECT value FROM settings WHERE name = ?").get(name) as { value: string } | null,
    );
    return row ? (JSON.parse(row.value) as T) : undefined;
  }

  /** Stores the value; resolves when it is on disk. */
  async set(name: string, value: unknown): Promise<void> {
    const now = this.clock.now();
    await this.store.write((db) => {
      db.query(
        "INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3",
      ).run(name, JSON.stringify(value), now);
    });
  }

  /** Stores what `change` makes of the stored value, in one transaction; it must be synchronous and pure. */
  async update<T>(name: string, change: (before: T | undefined) => T): Promise<T> {
    const now = this.clock.now();
    return this.store.write((db) => {
      const row = db.query("SELECT value FROM settings WHERE name = ?").get(name) as { value: string } | null;
      const after = change(row ? (JSON.parse(row.value) as T) : undefined);
      db.query(
        "INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3",
      ).run(name, JSON.stringify(after), now);
      return after;
    });
  }

  /** The stored value, or the one that `create` makes, which is then stored. Two callers at once get the same one. */
  async getOrCreate<T>(name: string, create: () => T): Promise<T> {
    const known = await this.get<T>(name);
    if (known !== undefined) return known;
    const now = this.clock.now();
    return this.store.write((db) => {
      const insert = "INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING";
      db.query(insert).run(name, JSON.stringify(create()), now);
      const row = db.query("SELECT value FROM settings WHERE name = ?").get(name) as { value: string };
      return JSON.parse(row.value) as T;
    });
  }
}
