import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { Store } from "../../store/store.ts";
import type { DecisionRecord } from "../decision-repository.ts";
import type { HostKey } from "./host-key.ts";

/** What is told of a blocked payload without opening it. */
export interface QuarantineEntry {
  id: string;
  decisionId: string;
  /** Epoch milliseconds. */
  at: number;
  direction: DecisionRecord["direction"];
  origin: DecisionRecord["origin"];
  sessionKey?: string;
  score: number;
  /** The finding that decided. */
  finding: string;
  /** Of the whole payload, of which a bounded part is kept. */
  chars: number;
  releasedAt?: number;
  releasedBy?: string;
}

export interface QuarantineBounds {
  maxEntries: number;
  maxAgeMs: number;
  /** Characters of one payload that are kept. */
  maxChars: number;
}

interface Row {
  id: string;
  decision_id: string;
  at: number;
  direction: DecisionRecord["direction"];
  origin: DecisionRecord["origin"];
  session_key: string | null;
  score: number;
  finding: string;
  chars: number;
  sealed: Uint8Array;
  released_at: number | null;
  released_by: string | null;
}

const INSERT = `INSERT INTO quarantine
  (id, decision_id, at, direction, origin, session_key, score, finding, chars, digest, sealed)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Blocked payloads, sealed with a key of this host: whoever gets the database alone cannot read them. A payload that is
 * released passes from then on, as long as it is kept; it is known by a keyed digest.
 */
export class Quarantine {
  private keys: { seal: Buffer; digest: Buffer } | undefined;

  constructor(
    private readonly store: Store,
    private readonly hostKey: HostKey,
    private readonly bounds: QuarantineBounds,
  ) {}

  /** Puts a payload away; resolves when it is on disk. The oldest go first. */
  async add(id: string, payload: string, record: DecisionRecord): Promise<void> {
    const { maxEntries, maxAgeMs, maxChars } = this.bounds;
    const { at, direction, origin, sessionKey, score, findings } = record;
    const sealed = this.seal(id, payload.slice(0, maxChars));
    const digest = this.digest(payload, record);
    const finding = findings[0]?.id ?? "";
    await this.store.write((db) => {
      db.query(INSERT).run(
        id,
        record.id,
        at,
        direction,
        origin,
        sessionKey ?? null,
        score,
        finding,
        payload.length,
        digest,
        sealed,
      );
      db.query("DELETE FROM quarantine WHERE at < ?").run(at - maxAgeMs);
      db.query(
        "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)",
      ).run(maxEntries);
    });
  }

  /** Newest first. */
  async list(limit: number, offset = 0): Promise<QuarantineEntry[]> {
    const rows = await this.store.read(
      (db) =>
        db.query("SELECT * FROM quarantine ORDER BY at DESC, rowid DESC LIMIT ? OFFSET ?").all(limit, offset) as Row[],
    );
    return rows.map(entryOf);
  }

  async count(): Promise<number> {
    return this.store.read((db) => (db.query("SELECT count(*) AS n FROM quarantine").get() as { n: number }).n);
  }

  /** The entry with its payload; null when there is none. @throws when it was sealed by another host or changed */
  async open(id: string): Promise<(QuarantineEntry & { payload: string }) | null> {
    const row = await this.row(id);
    return row && { ...entryOf(row), payload: this.unseal(id, row.sealed) };
  }

  /** The payload passes from now on. Null when there is none. */
  async release(id: string, by: string, now: number): Promise<QuarantineEntry | null> {
    await this.store.write((db) => {
      db.query("UPDATE quarantine SET released_at = ?, released_by = ? WHERE id = ? AND released_at IS NULL").run(
        now,
        by,
        id,
      );
    });
    const row = await this.row(id);
    return row && entryOf(row);
  }

  /** Removes entries, those with these ids or all; one that was released no longer passes. Returns how many. */
  purge(ids: readonly string[] | "all"): Promise<number> {
    return this.store.write((db) => {
      if (ids === "all") return db.query("DELETE FROM quarantine").run().changes;
      return db.query("DELETE FROM quarantine WHERE id IN (SELECT value FROM json_each(?))").run(JSON.stringify(ids))
        .changes;
    });
  }

  /** Whether this very payload was blocked once and released since. */
  async isReleased(payload: string, about: Pick<DecisionRecord, "direction" | "kind" | "origin">): Promise<boolean> {
    const digest = this.digest(payload, about);
    const query = "SELECT 1 FROM quarantine WHERE digest = ? AND released_at IS NOT NULL LIMIT 1";
    return (await this.store.read((db) => db.query(query).get(digest))) !== null;
  }

  private async row(id: string): Promise<Row | null> {
    return this.store.read((db) => db.query("SELECT * FROM quarantine WHERE id = ?").get(id) as Row | null);
  }

  /** The same words of the same kind and origin; what a web page may not say is no order of its owner either. */
  private digest(payload: string, { direction, kind, origin }: Pick<DecisionRecord, "direction" | "kind" | "origin">) {
    return createHmac("sha256", this.key().digest)
      .update(JSON.stringify([direction, kind ?? "", origin, payload]))
      .digest("hex");
  }

  /** Nonce, tag and AES-256-GCM; the entry's id is part of what is sealed, so that entries cannot be exchanged. */
  private seal(id: string, payload: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.key().seal, nonce).setAAD(Buffer.from(id));
    const body = Buffer.concat([cipher.update(payload, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  private unseal(id: string, sealed: Uint8Array): string {
    const bytes = Buffer.from(sealed);
    const body = NONCE_BYTES + TAG_BYTES;
    const decipher = createDecipheriv("aes-256-gcm", this.key().seal, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(id))
      .setAuthTag(bytes.subarray(NONCE_BYTES, body));
    return decipher.update(bytes.subarray(body), undefined, "utf8") + decipher.final("utf8");
  }

  private key() {
    this.keys ??= { seal: this.hostKey.derive("quarantine"), digest: this.hostKey.derive("quarantine-digest") };
    return this.keys;
  }
}

const entryOf = (row: Row): QuarantineEntry => ({
  id: row.id,
  decisionId: row.decision_id,
  at: row.at,
  direction: row.direction,
  origin: row.origin,
  ...(row.session_key !== null && { sessionKey: row.session_key }),
  score: row.score,
  finding: row.finding,
  chars: row.chars,
  ...(row.released_at !== null && { releasedAt: row.released_at }),
  ...(row.released_by !== null && { releasedBy: row.released_by }),
});
