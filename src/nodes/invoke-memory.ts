import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type { NodeInvokeResult } from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";

/** What makes an invocation the same as an earlier one. */
export interface InvocationKey {
  nodeId: string;
  command: string;
  idempotencyKey: string;
  /** Who asks; one caller's key says nothing of another's. */
  owner: string;
}

interface Row {
  answer: string | null;
  ended_at: number | null;
}

/**
 * What nodes were asked for under which idempotency key, in the database: a caller that asks again within minutes gets
 * the answer of the first time, also when the gateway was started anew meanwhile. Answers that are too large to keep,
 * and failures, are forgotten.
 */
export class InvokeMemory {
  constructor(private readonly deps: { store: Store; clock: Clock }) {}

  /**
   * Notes that a node is about to be asked, or gives what came of it before. `lost` is an invocation whose end a restart
   * of the gateway has cut off: the node may have done it.
   */
  begin(key: InvocationKey): Promise<NodeInvokeResult | "lost" | "new"> {
    const { store, clock } = this.deps;
    const now = clock.now();
    return store.write((db) => {
      db.query("DELETE FROM node_invocations WHERE began_at <= ? OR ended_at <= ?").run(
        now - LIMITS.nodeInvokeMaxMs,
        now - LIMITS.idempotencyTtlMs,
      );
      const id = idOf(key);
      const known = db.query("SELECT answer, ended_at FROM node_invocations WHERE id = ?").get(id) as Row | null;
      if (known !== null) return known.answer === null ? "lost" : (JSON.parse(known.answer) as NodeInvokeResult);
      db.query("INSERT INTO node_invocations (id, device_id, began_at) VALUES (?, ?, ?)").run(id, key.nodeId, now);
      db.query(
        `DELETE FROM node_invocations WHERE id IN (
           SELECT id FROM node_invocations WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, id LIMIT -1 OFFSET ?)`,
      ).run(LIMITS.nodeInvokesRemembered);
      return "new";
    });
  }

  /** Keeps how it ended; null for a failure, which may be tried again. */
  async end(key: InvocationKey, answer: NodeInvokeResult | null): Promise<void> {
    const { store, clock } = this.deps;
    const text = answer === null ? "" : JSON.stringify(answer);
    const isKept = answer !== null && text.length <= LIMITS.nodeInvokeRememberedChars;
    await store.write((db) => {
      const id = idOf(key);
      if (!isKept) db.query("DELETE FROM node_invocations WHERE id = ?").run(id);
      else {
        const update = "UPDATE node_invocations SET answer = ?, ended_at = ? WHERE id = ?";
        db.query(update).run(text, clock.now(), id);
      }
    });
  }
}

/** Of a fixed length, however long the key is that a caller has chosen. */
const idOf = ({ nodeId, command, idempotencyKey, owner }: InvocationKey): string =>
  createHash("sha256")
    .update(JSON.stringify([nodeId, command, owner, idempotencyKey]))
    .digest("base64url");
