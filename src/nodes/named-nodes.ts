import { randomBytes } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type {
  NodePairApproveResult,
  NodePairPending,
  NodePairRequestParams,
  NodePairRequestResult,
  NodePairVerifyParams,
  NodePairVerifyResult,
  PairedNode,
} from "../../generated/types.ts";
import { hashToken, matchesHash } from "../devices/tokens.ts";
import type { DeviceManager } from "../devices/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import { requiredApproveScopes } from "./command-policy.ts";
import { requireScopes } from "./required-scopes.ts";

interface Row {
  node_id: string;
  request_id: string | null;
  requested_at: number | null;
  token_hash: string | null;
  created_at: number | null;
  approved_at: number | null;
  data: string;
}

type Facts = Omit<NodePairRequestParams, "nodeId">;

/**
 * Nodes as releases before 2026.7 paired them: by a name and a token of their own, without a device. Clients of wire 3
 * may still do so, and ask whether a token is good. Such a token opens no connection and lends no commands: whatever a
 * node does here it does as a paired device.
 */
export class NamedNodes {
  constructor(
    private readonly deps: {
      store: Store;
      devices: { node(deviceId: string): Promise<object | null> };
      bus: EventBus;
      clock: Clock;
    },
  ) {}

  /** Files a request, or finds the one of this node that waits. @throws GatewayError for the id of a paired device */
  async request({ nodeId: given, ...facts }: NodePairRequestParams): Promise<NodePairRequestResult> {
    const { store, devices, bus, clock } = this.deps;
    const nodeId = given.trim();
    if (nodeId === "") throw invalidRequest("nodeId required");
    if ((await devices.node(nodeId)) !== null) throw invalidRequest("a paired device has this nodeId");
    const now = clock.now();
    const { row, created } = await store.write((db) => {
      const since = now - LIMITS.pairingRequestTtlMs;
      db.query("DELETE FROM named_nodes WHERE requested_at <= ? AND token_hash IS NULL").run(since);
      const before = db.query("SELECT * FROM named_nodes WHERE node_id = ?").get(nodeId) as Row | null;
      if (before?.request_id && before.requested_at! > since) return { row: before, created: false };
      if (before === null) {
        const { count } = db.query("SELECT count(*) AS count FROM named_nodes").get() as { count: number };
        if (count >= LIMITS.namedNodes) throw new GatewayError("UNAVAILABLE", "too many nodes are known by name");
      }
      db.query(
        `INSERT INTO named_nodes (node_id, request_id, requested_at, data) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (node_id) DO UPDATE SET request_id = ?2, requested_at = ?3, data = ?4`,
      ).run(nodeId, uuid(), now, JSON.stringify(facts));
      const row = db.query("SELECT * FROM named_nodes WHERE node_id = ?").get(nodeId) as Row;
      return { row, created: true };
    });
    const request = pendingOf(row);
    if (created) bus.publish("node.pair.requested", request);
    return { status: "pending", request, created };
  }

  /** True when the token is the one that this node got at its latest approval. */
  async verify({ nodeId, token }: NodePairVerifyParams): Promise<NodePairVerifyResult> {
    const row = await this.deps.store.read(
      (db) => db.query("SELECT * FROM named_nodes WHERE node_id = ?").get(nodeId.trim()) as Row | null,
    );
    if (!row?.token_hash || !matchesHash(token, row.token_hash)) return { ok: false };
    return { ok: true, node: pairedOf(row) };
  }

  async list(): Promise<{ pending: NodePairPending[]; paired: PairedNode[] }> {
    const since = this.deps.clock.now() - LIMITS.pairingRequestTtlMs;
    const rows = await this.deps.store.read((db) => db.query("SELECT * FROM named_nodes").all() as Row[]);
    return {
      pending: rows.filter((row) => row.request_id !== null && row.requested_at! > since).map(pendingOf),
      paired: rows.filter((row) => row.token_hash !== null).map(pairedOf),
    };
  }

  /** Approves and gives the node its token, which is shown this once. Undefined for a request that is none of these. */
  async approve(requestId: string, manager: DeviceManager): Promise<NodePairApproveResult | undefined> {
    const now = this.deps.clock.now();
    const token = randomBytes(32).toString("base64url");
    const row = await this.change(requestId, (row) => {
      requireScopes(manager, requiredApproveScopes(factsOf(row).commands ?? []));
      return {
        ...row,
        request_id: null,
        requested_at: null,
        token_hash: hashToken(token),
        created_at: row.created_at ?? now,
        approved_at: now,
      };
    });
    if (row === undefined) return undefined;
    this.resolved(requestId, row.node_id, "approved");
    return { requestId, node: { ...pairedOf(row), token } };
  }

  /** Undefined for a request that is none of these. */
  async reject(requestId: string): Promise<{ requestId: string; nodeId: string } | undefined> {
    const row = await this.change(requestId, (row) => ({ ...row, request_id: null, requested_at: null }));
    if (row === undefined) return undefined;
    this.resolved(requestId, row.node_id, "rejected");
    return { requestId, nodeId: row.node_id };
  }

  /** Undefined for a node that is none of these. */
  async remove(nodeId: string): Promise<{ nodeId: string } | undefined> {
    const isGone = await this.deps.store.write(
      (db) => db.query("DELETE FROM named_nodes WHERE node_id = ? RETURNING node_id").get(nodeId) !== null,
    );
    if (!isGone) return undefined;
    this.resolved("", nodeId, "removed");
    return { nodeId };
  }

  private change(requestId: string, decide: (row: Row) => Row): Promise<Row | undefined> {
    const since = this.deps.clock.now() - LIMITS.pairingRequestTtlMs;
    return this.deps.store.write((db) => {
      const find = db.query("SELECT * FROM named_nodes WHERE request_id = ? AND requested_at > ?");
      const before = find.get(requestId, since) as Row | null;
      if (before === null) return undefined;
      const { node_id, request_id, requested_at, token_hash, created_at, approved_at, data } = decide(before);
      const after = { node_id, request_id, requested_at, token_hash, created_at, approved_at, data };
      if (token_hash === null && request_id === null)
        db.query("DELETE FROM named_nodes WHERE node_id = ?").run(node_id);
      else {
        db.query(
          `UPDATE named_nodes SET request_id = ?2, requested_at = ?3, token_hash = ?4, created_at = ?5, approved_at = ?6
             WHERE node_id = ?1`,
        ).run(node_id, request_id, requested_at, token_hash, created_at, approved_at);
      }
      return after;
    });
  }

  private resolved(requestId: string, nodeId: string, decision: "approved" | "rejected" | "removed"): void {
    const { bus, clock } = this.deps;
    bus.publish("node.pair.resolved", { requestId, nodeId, decision, ts: clock.now() }, { role: "operator" });
  }
}

const factsOf = ({ data }: Row): Facts => JSON.parse(data) as Facts;

function pendingOf(row: Row): NodePairPending {
  const { caps = [], commands = [], ...facts } = factsOf(row);
  return {
    requestId: row.request_id!,
    nodeId: row.node_id,
    ...facts,
    caps,
    commands,
    requiredApproveScopes: requiredApproveScopes(commands),
    ts: row.requested_at!,
  };
}

function pairedOf(row: Row): PairedNode {
  const { caps = [], commands = [], silent: _, ...facts } = factsOf(row);
  return {
    nodeId: row.node_id,
    ...facts,
    caps,
    commands,
    createdAtMs: row.created_at!,
    approvedAtMs: row.approved_at!,
  };
}
