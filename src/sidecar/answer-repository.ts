import { createHash } from "node:crypto";
import { stableJson } from "../platform/json.ts";
import type { Store } from "../store/store.ts";
import type { Advice } from "./adviser.ts";
import type { Asked, AskedKind } from "./asked.ts";

/**
 * What became of an approval: `allowed` and `denied` by us, `left` to people, `watched` where nothing is answered,
 * `elsewhere` when somebody else was faster, `gone` when the gateway knows it no longer, `failed` when it refused.
 */
export type Outcome = "allowed" | "denied" | "left" | "watched" | "elsewhere" | "gone" | "failed";

/** An approval that has been judged. */
export interface Judged extends Advice {
  kind: AskedKind;
  id: string;
  /** Epoch milliseconds of the judgement. */
  at: number;
  expiresAtMs: number;
  sessionKey?: string;
  /** Absent until the answer has arrived. */
  outcome?: Outcome;
}

/** Approvals that were judged, with their answers: none is judged or answered twice, also over restarts. */
export class AnswerRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: { maxRows: number; maxAgeMs: number },
  ) {}

  async find(key: string): Promise<Judged | null> {
    return this.store.read((db) => {
      const row = db.query("SELECT outcome, body FROM sidecar_approvals WHERE key = ?").get(key) as Stored | null;
      return row && judgedOf(row);
    });
  }

  /** Stores a judgement; resolves when it is on disk. The oldest rows go when there are too many. */
  async add(key: string, judged: Judged): Promise<void> {
    const { outcome, ...body } = judged;
    const { maxRows, maxAgeMs } = this.bounds;
    await this.store.write((db) => {
      db.query("INSERT OR REPLACE INTO sidecar_approvals (key, at, outcome, body) VALUES (?, ?, ?, ?)").run(
        key,
        judged.at,
        outcome ?? null,
        JSON.stringify(body),
      );
      db.query("DELETE FROM sidecar_approvals WHERE at < ?").run(judged.at - maxAgeMs);
      db.query(
        `DELETE FROM sidecar_approvals WHERE key IN
         (SELECT key FROM sidecar_approvals ORDER BY at DESC, key LIMIT -1 OFFSET ?)`,
      ).run(maxRows);
    });
  }

  /** Notes what became of one. */
  async settle(key: string, outcome: Outcome): Promise<void> {
    await this.store.write((db) =>
      db.query("UPDATE sidecar_approvals SET outcome = ? WHERE key = ?").run(outcome, key),
    );
  }
}

interface Stored {
  outcome: Outcome | null;
  body: string;
}

/** Names this very request: another one of the same id, after a restart of the gateway, must not get its answer. */
export const keyOf = ({ kind, id, expiresAtMs, request }: Asked): string =>
  createHash("sha256")
    .update(JSON.stringify([kind, id, expiresAtMs, stableJson(request)]))
    .digest("hex");

const judgedOf = ({ outcome, body }: Stored): Judged => ({
  ...(JSON.parse(body) as Judged),
  ...(outcome !== null && { outcome }),
});
