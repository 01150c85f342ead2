import { Database } from "bun:sqlite";
import { join } from "node:path";

/** The value of a stored secret by its name, or why there is none. */
export type StoredSecretReader = (name: string) => { value: string } | { reason: string };

/**
 * Reads secrets of the shared store straight from the database in the state directory: the configuration refers to them
 * before the gateway has opened it, and to start at all. Each call sees what is stored now.
 */
export function storedSecretReader(stateDir: string): StoredSecretReader {
  return (name) => {
    try {
      using db = new Database(join(stateDir, "chela.sqlite"), { readonly: true, strict: true });
      const row = db.query("SELECT value FROM secrets WHERE name = ?").get(name) as { value: string } | null;
      return row?.value ? row : notFound(name);
    } catch {
      // No database yet, or one from before there was a store of secrets.
      return notFound(name);
    }
  };
}

const notFound = (name: string) => ({ reason: `Secret store entry "${name}" was not found.` });
