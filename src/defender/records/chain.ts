import type { Database } from "bun:sqlite";
import { createHash, createHmac } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";

/** `kept` of what was not simply allowed, `passed` of the rest: a flood of harmless texts pushes no refusal out. */
export type ChainName = "kept" | "passed";
export const CHAINS: readonly ChainName[] = ["kept", "passed"];

export interface ChainBounds {
  /** Rows of each chain. */
  maxRows: number;
  /** Milliseconds. */
  maxAgeMs: number;
}

/** What is put at the end of a chain. */
export interface Link {
  id: string;
  /** Epoch milliseconds. */
  at: number;
  verdict: string;
  sessionKey?: string;
  /** JSON; what the hash covers. */
  body: string;
}

interface Head {
  chain: ChainName;
  first_seq: number;
  before_first: string;
  last_seq: number;
  last_hash: string;
  mac: string;
}

interface Row {
  seq: number;
  id: string;
  at: number;
  verdict: string;
  session_key: string | null;
  body: string;
  hash: string;
}

/** What became of a chain: whole, or the first thing that is wrong with it. */
export interface ChainReport {
  chain: ChainName;
  ok: boolean;
  rows: number;
  problem?: string;
}

/** Rows that are let go by age with one write; more wait for the next. */
const AGED_AT_ONCE = 8;
const PAGE = 500;

/** Puts a row at the end and lets the oldest go. Runs inside a write; the row, the head and what is let go are one commit. */
export function append(db: Database, chain: ChainName, link: Link, key: Buffer, bounds: ChainBounds): void {
  const head = headOf(db, chain) ?? { chain, first_seq: 1, before_first: "", last_seq: 0, last_hash: "", mac: "" };
  const seq = head.last_seq + 1;
  const hash = hashOf(head.last_hash, seq, link);
  db.query(
    "INSERT INTO decision_log (chain, seq, id, at, verdict, session_key, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  ).run(chain, seq, link.id, link.at, link.verdict, link.sessionKey ?? null, link.body, hash);
  const next = { ...head, last_seq: seq, last_hash: hash };
  letGo(db, next, link.at, bounds);
  db.query(
    `INSERT INTO decision_chains (chain, first_seq, before_first, last_seq, last_hash, mac) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (chain) DO UPDATE SET first_seq = ?2, before_first = ?3, last_seq = ?4, last_hash = ?5, mac = ?6`,
  ).run(chain, next.first_seq, next.before_first, next.last_seq, next.last_hash, macOf(next, key));
}

/** Oldest first, and never the newest. Moves the head's beginning along. */
function letGo(db: Database, head: Head, now: number, { maxRows, maxAgeMs }: ChainBounds): void {
  const excess = head.last_seq - maxRows;
  const oldest = db
    .query("SELECT seq, at, hash FROM decision_log WHERE chain = ? AND seq < ? ORDER BY seq LIMIT ?")
    .all(head.chain, head.last_seq, AGED_AT_ONCE) as Pick<Row, "seq" | "at" | "hash">[];
  let last: Pick<Row, "seq" | "hash"> | undefined;
  for (const row of oldest) {
    if (row.seq > excess && row.at >= now - maxAgeMs) break;
    last = row;
  }
  if (last === undefined) return;
  db.query("DELETE FROM decision_log WHERE chain = ? AND seq <= ?").run(head.chain, last.seq);
  head.first_seq = last.seq + 1;
  head.before_first = last.hash;
}

/**
 * Walks a chain from its beginning to what is its end now. A row that was changed, put in or taken out shows, also at
 * either end; so does a head that was not written with this host's key. `read` gives the database for one page of rows;
 * between two pages others may write.
 */
export async function verifyChain(chain: ChainName, key: Buffer, read: Read): Promise<ChainReport> {
  const end = await read((db) => headOf(db, chain));
  let at: Place = { seq: 0, hash: "" };
  let rows = 0;
  for (;;) {
    const step = await read((db) => walk(db, chain, key, at, end?.last_seq ?? 0));
    if ("problem" in step) return { chain, ok: false, rows, problem: step.problem };
    rows += step.rows;
    if (step.seq >= (end?.last_seq ?? 0)) {
      const ok = end === null || step.hash === end.last_hash || step.seq > end.last_seq;
      return ok ? { chain, ok, rows } : { chain, ok, rows, problem: `Row ${step.seq} was changed.` };
    }
    at = step;
    await nextTurn();
  }
}

type Read = <T>(work: (db: Database) => T) => Promise<T>;

/** A row that was found right, by its number and hash. */
interface Place {
  seq: number;
  hash: string;
}

/** The next page of the walk. What was let go meanwhile is stepped over. */
function walk(
  db: Database,
  chain: ChainName,
  key: Buffer,
  from: Place,
  last: number,
): (Place & { rows: number }) | { problem: string } {
  const head = headOf(db, chain);
  const outside = db.query("SELECT seq FROM decision_log WHERE chain = ? AND (seq < ? OR seq > ?) LIMIT 1");
  const stray = outside.get(chain, head?.first_seq ?? 0, head?.last_seq ?? -1) as Place | null;
  if (stray !== null)
    return { problem: head === null ? "The chain has rows and no head." : "A row lies outside the chain." };
  if (head === null) return { ...from, rows: 0 };
  // Nobody can guess here step by step: who asks learns only that it is wrong, and a head is written by the gateway alone.
  if (head.mac !== macOf(head, key)) return { problem: "The chain's head was not written by this host." };
  let { seq, hash } = from.seq < head.first_seq ? { seq: head.first_seq - 1, hash: head.before_first } : from;
  const rows = db
    .query("SELECT * FROM decision_log WHERE chain = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?")
    .all(chain, seq, last, PAGE) as Row[];
  for (const row of rows) {
    if (row.seq !== seq + 1) return { problem: `Row ${seq + 1} is missing.` };
    const { id, at, verdict, body } = row;
    const link = { id, at, verdict, sessionKey: row.session_key ?? undefined, body };
    if (hashOf(hash, row.seq, link) !== row.hash) return { problem: `Row ${row.seq} was changed.` };
    seq = row.seq;
    hash = row.hash;
  }
  if (rows.length === 0 && seq < last) return { problem: `Row ${seq + 1} is missing.` };
  return { seq, hash, rows: rows.length };
}

const headOf = (db: Database, chain: ChainName): Head | null =>
  db.query("SELECT * FROM decision_chains WHERE chain = ?").get(chain) as Head | null;

const hashOf = (before: string, seq: number, { id, at, verdict, sessionKey, body }: Link): string =>
  createHash("sha256")
    .update(JSON.stringify([before, seq, id, at, verdict, sessionKey ?? null, body]))
    .digest("hex");

const macOf = ({ chain, first_seq, before_first, last_seq, last_hash }: Head, key: Buffer): string =>
  createHmac("sha256", key)
    .update(JSON.stringify([chain, first_seq, before_first, last_seq, last_hash]))
    .digest("hex");
