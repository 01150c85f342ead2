import type { Store } from "../store/store.ts";

/** An entry of the shared store. */
export interface StoredSecret {
  name: string;
  /** `secret` is never shown again; `env` is what agents' commands may see. */
  kind: "secret" | "env";
  value: string;
  /** Hosts to which a `secret` may be sent, lower case. */
  allowedHosts: string[];
  /** Epoch milliseconds. */
  createdAt: number;
  updatedAt: number;
  updatedBy: string | null;
}

interface Row {
  name: string;
  kind: StoredSecret["kind"];
  value: string;
  allowed_hosts: string;
  created_at: number;
  updated_at: number;
  updated_by: string | null;
}

const PUT = `INSERT INTO secrets (name, kind, value, allowed_hosts, created_at, updated_at, updated_by)
  VALUES (?1, ?2, ?3, coalesce(?4, '[]'), ?5, ?5, ?6)
  ON CONFLICT (name) DO UPDATE SET kind = ?2, value = ?3, updated_at = ?5, updated_by = ?6,
    allowed_hosts = CASE WHEN ?2 = 'env' THEN '[]' ELSE coalesce(?4, allowed_hosts) END`;

/** The shared store of secrets, unencrypted in the database that only the gateway's user may read (docs: gateway/secrets). */
export class SecretRepository {
  constructor(
    private readonly store: Store,
    private readonly maxRows: number,
  ) {}

  /** All entries by name. */
  async list(): Promise<StoredSecret[]> {
    const rows = await this.store.read((db) => db.query("SELECT * FROM secrets ORDER BY name").all() as Row[]);
    return rows.map((row) => ({
      name: row.name,
      kind: row.kind,
      value: row.value,
      allowedHosts: JSON.parse(row.allowed_hosts) as string[],
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      updatedBy: row.updated_by,
    }));
  }

  /**
   * Stores an entry, over one of the same name; without `allowedHosts` that one's hosts stay.
   * @returns false when the store is full
   */
  put(
    entry: Pick<StoredSecret, "name" | "kind" | "value" | "updatedBy">,
    hosts: string[] | undefined,
    now: number,
  ): Promise<boolean> {
    return this.store.write((db) => {
      const { others } = db.query("SELECT count(*) AS others FROM secrets WHERE name <> ?").get(entry.name) as {
        others: number;
      };
      if (others >= this.maxRows) return false;
      const allowed = hosts === undefined ? null : JSON.stringify(hosts);
      db.query(PUT).run(entry.name, entry.kind, entry.value, allowed, now, entry.updatedBy);
      return true;
    });
  }

  /** Removes an entry, if there is one. */
  delete(name: string): Promise<void> {
    return this.store.write((db) => {
      db.query("DELETE FROM secrets WHERE name = ?").run(name);
    });
  }
}
