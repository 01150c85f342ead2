import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import type {
  NodePendingDrainResult,
  NodePendingEnqueueParams,
  NodePendingEnqueueResult,
} from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import { approvedSession, type NodeCaller, pairingChanged, WORK_CHANGED } from "./live-node.ts";
import type { NodeRepository } from "./node-repository.ts";
import type { NodeSessions } from "./node-sessions.ts";

type Item = NodePendingDrainResult["items"][number];

interface WorkRow {
  id: string;
  type: Item["type"];
  priority: "normal" | "high";
  created_at: number;
  expires_at: number;
}

/**
 * What waits for a node that sleeps: one item of each type, kept in the database until the node takes it or it
 * expires. Without anything else a node that asks is told to report its status.
 */
export class PendingWork {
  constructor(
    private readonly deps: { store: Store; repository: NodeRepository; sessions: NodeSessions; clock: Clock },
  ) {}

  /**
   * Queues an item; one of its type that waits already stays as it is. Nothing is woken: that takes a push service.
   * @throws GatewayError `PAIRING_CHANGED` for a node of which nothing is approved
   */
  async enqueue(params: NodePendingEnqueueParams): Promise<NodePendingEnqueueResult> {
    const { store, repository, clock } = this.deps;
    const { type, priority = "normal", expiresInMs = LIMITS.nodeWorkTtlMs } = params;
    const nodeId = params.nodeId.trim();
    const { surface } = await repository.read(nodeId);
    if (surface === null) throw pairingChanged(WORK_CHANGED);
    const now = clock.now();
    return store.write((db) => {
      const waiting = rowsOf(db, nodeId, now).find((row) => row.type === type);
      if (waiting !== undefined) {
        return { nodeId, revision: revisionOf(db, nodeId), queued: itemOf(waiting), wakeTriggered: false };
      }
      const row: WorkRow = { id: uuid(), type, priority, created_at: now, expires_at: now + expiresInMs };
      db.query(
        "INSERT INTO node_work (device_id, id, type, priority, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
      ).run(nodeId, row.id, type, priority, now, row.expires_at);
      return { nodeId, revision: nextRevision(db, nodeId), queued: itemOf(row), wakeTriggered: false };
    });
  }

  /** Hands a node its work, the most urgent first; what it gets is gone. @throws GatewayError `PAIRING_CHANGED` */
  async drain({ maxItems = LIMITS.nodeWorkItems }: { maxItems?: number }, caller: NodeCaller) {
    const { store, sessions, clock } = this.deps;
    const { nodeId } = approvedSession(sessions, caller, WORK_CHANGED);
    const now = clock.now();
    return store.write((db): NodePendingDrainResult => {
      const waiting = rowsOf(db, nodeId, now);
      const taken = waiting.slice(0, maxItems);
      const remove = db.query("DELETE FROM node_work WHERE device_id = ? AND type = ?");
      for (const { type } of taken) remove.run(nodeId, type);
      const revision = taken.length > 0 ? nextRevision(db, nodeId) : revisionOf(db, nodeId);
      if (taken.length === waiting.length) db.query("DELETE FROM node_work_revisions WHERE device_id = ?").run(nodeId);
      const needsStatus = waiting.every(({ type }) => type !== "status.request");
      const hasRoom = taken.length < maxItems;
      const items = taken.map(itemOf);
      if (needsStatus && hasRoom) items.push(baseline(now));
      const hasMore = waiting.length > taken.length || (needsStatus && !hasRoom);
      return { nodeId, revision, items, hasMore };
    });
  }
}

const baseline = (now: number): Item => ({
  id: "baseline-status",
  type: "status.request",
  priority: "default",
  createdAtMs: now,
  expiresAtMs: null,
});

const itemOf = ({ id, type, priority, created_at, expires_at }: WorkRow): Item => ({
  id,
  type,
  priority,
  createdAtMs: created_at,
  expiresAtMs: expires_at,
});

function rowsOf(db: Database, nodeId: string, now: number): WorkRow[] {
  db.query("DELETE FROM node_work WHERE device_id = ? AND expires_at <= ?").run(nodeId, now);
  const urgency = "CASE priority WHEN 'high' THEN 0 ELSE 1 END";
  return db
    .query(`SELECT * FROM node_work WHERE device_id = ? ORDER BY ${urgency}, created_at, id`)
    .all(nodeId) as WorkRow[];
}

function revisionOf(db: Database, nodeId: string): number {
  const row = db.query("SELECT revision FROM node_work_revisions WHERE device_id = ?").get(nodeId);
  return (row as { revision: number } | null)?.revision ?? 0;
}

function nextRevision(db: Database, nodeId: string): number {
  const revision = revisionOf(db, nodeId) + 1;
  db.query(
    "INSERT INTO node_work_revisions (device_id, revision) VALUES (?1, ?2) ON CONFLICT (device_id) DO UPDATE SET revision = ?2",
  ).run(nodeId, revision);
  return revision;
}
