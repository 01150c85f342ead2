import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";
import { append, CHAINS, type ChainBounds, type ChainName, type ChainReport, verifyChain } from "./records/chain.ts";
import { HostKey } from "./records/host-key.ts";
import type { Action, Finding, Origin, ScreenContext, Verdict } from "./types.ts";

/** A decision as it is kept. */
export interface DecisionRecord {
  id: string;
  /** Epoch milliseconds. */
  at: number;
  verdict: Verdict;
  /** False when the policy only watches: then it passed in spite of the verdict. */
  enforced: boolean;
  score: number;
  /** The finding that decided; absent where nothing was found. */
  decidedBy?: string;
  findings: Finding[];
  direction: ScreenContext["direction"] | "action";
  /** Of an action. */
  kind?: Action["kind"];
  origin: Origin;
  actor?: string;
  agentId?: string;
  sessionKey?: string;
  runId?: string;
  /** The policy that was in force, by the name of its version. */
  policy?: string;
  /** A bounded part of the judged text around what decided, credentials masked; empty for what was simply allowed. */
  excerpt: string;
}

/** Which decisions are asked for. */
export interface DecisionQuery {
  verdicts?: readonly Verdict[];
  sessionKey?: string;
  /** Only those before this one of the same list, by its cursor. */
  cursor?: number;
  limit: number;
}

/** One page, newest first; `next` is there when there are older ones. */
export interface DecisionPage {
  decisions: DecisionRecord[];
  next?: number;
}

/** Of decisions: rows of each chain, and milliseconds. */
export interface DecisionBounds {
  maxRows: number;
  maxAgeMs?: number;
}

/**
 * The defender's decisions, append-only and bounded by number and age. Each row carries a hash over itself and the row
 * before it, so that one that is taken out or changed shows. What was simply allowed is a chain of its own.
 */
export class DecisionRepository {
  private readonly bounds: ChainBounds;
  private chainKey: Buffer | undefined;

  constructor(
    private readonly store: Store,
    bounds: DecisionBounds,
    private readonly hostKey: HostKey = HostKey.fresh(),
  ) {
    this.bounds = { maxAgeMs: Number.MAX_SAFE_INTEGER, ...bounds };
  }

  /** Stores a decision that is more than that nothing was found; resolves when it is on disk. */
  async add(record: DecisionRecord): Promise<void> {
    await this.store.write(this.appending("kept", record));
  }

  /** Stores one that simply allows, with the next write that somebody waits for; resolves when it is on disk. */
  async pass(record: DecisionRecord): Promise<void> {
    await this.store.writeSoon(this.appending("passed", record));
  }

  async find(id: string): Promise<DecisionRecord | null> {
    return this.store.read((db) => decisionIn(db, id));
  }

  /** The newest `limit` decisions that were not simply allowed, newest first. */
  async newest(limit: number): Promise<DecisionRecord[]> {
    return (await this.list({ limit })).decisions;
  }

  /** A page of decisions: of those that were not simply allowed, unless `allow` alone is asked for. */
  async list({ verdicts, sessionKey, cursor, limit }: DecisionQuery): Promise<DecisionPage> {
    const chain: ChainName = verdicts?.length === 1 && verdicts[0] === "allow" ? "passed" : "kept";
    const wanted = JSON.stringify(verdicts ?? ["allow", "review", "block"]);
    const rows = await this.store.read(
      (db) =>
        db
          .query(
            `SELECT seq, body FROM decision_log WHERE chain = ?1 AND seq < ?2 AND (?3 IS NULL OR session_key = ?3)
             AND verdict IN (SELECT value FROM json_each(?4)) ORDER BY seq DESC LIMIT ?5`,
          )
          .all(chain, cursor ?? Number.MAX_SAFE_INTEGER, sessionKey ?? null, wanted, limit + 1) as StoredBody[],
    );
    const shown = rows.slice(0, limit);
    const decisions = shown.map(recordOf);
    return rows.length > limit ? { decisions, next: shown.at(-1)!.seq } : { decisions };
  }

  /** Whether both chains are whole. Reads every row, some at a time. */
  async verify(): Promise<ChainReport[]> {
    const reports: ChainReport[] = [];
    for (const chain of CHAINS) {
      reports.push(await verifyChain(chain, this.key(), (work) => this.store.read(work)));
    }
    return reports;
  }

  private appending(chain: ChainName, record: DecisionRecord): (db: Database) => void {
    const { id, at, verdict, sessionKey } = record;
    const link = { id, at, verdict, sessionKey, body: JSON.stringify(record) };
    const key = this.key();
    return (db) => append(db, chain, link, key, this.bounds);
  }

  private key(): Buffer {
    this.chainKey ??= this.hostKey.derive("decision-chains");
    return this.chainKey;
  }
}

/** A decision in a database that is open already, also one that is only read. */
export function decisionIn(db: Database, id: string): DecisionRecord | null {
  const row = db.query("SELECT seq, body FROM decision_log WHERE id = ?").get(id) as StoredBody | null;
  return row && recordOf(row);
}

interface StoredBody {
  seq: number;
  body: string;
}

const recordOf = ({ body }: StoredBody): DecisionRecord => JSON.parse(body) as DecisionRecord;
