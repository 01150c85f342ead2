import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";
import type { NodeState, NodeSurface, SurfaceRequest } from "./types.ts";
import { pendingSurfaceView, surfaceView } from "./views.ts";

/** What a change makes of a node. Without `state` nothing is written. */
export interface NodeChange<T> {
  state?: NodeState;
  result: T;
}

const NOTHING: NodeState = { surface: null, request: null };

/** Approved surfaces and waiting requests in the database. They belong to a paired device and go with it. */
export class NodeRepository {
  constructor(private readonly store: Store) {}

  read(nodeId: string): Promise<NodeState> {
    return this.store.read((db) => stateOf(db, nodeId));
  }

  /** By node id, every node that has a surface or a request. */
  readAll(): Promise<Map<string, NodeState>> {
    return this.store.read((db) => {
      const states = new Map<string, NodeState>();
      for (const { device_id, data } of db.query("SELECT device_id, data FROM node_surfaces").all() as Row[]) {
        states.set(device_id, { surface: JSON.parse(data), request: null });
      }
      for (const { device_id, data } of db.query("SELECT device_id, data FROM node_requests").all() as Row[]) {
        states.set(device_id, { ...(states.get(device_id) ?? NOTHING), request: JSON.parse(data) });
      }
      return states;
    });
  }

  /** What `device.pair.list` shows of each. */
  async shapes() {
    const states = [...(await this.readAll())];
    return new Map(
      states.map(([nodeId, { surface, request }]) => [
        nodeId,
        {
          ...(surface !== null && { nodeSurface: surfaceView(surface) }),
          ...(request !== null && { pendingNodeSurface: pendingSurfaceView(request) }),
        },
      ]),
    );
  }

  /** Changes one node; does nothing and gives undefined when its device is not paired. */
  change<T>(nodeId: string, decide: (state: NodeState) => NodeChange<T>): Promise<T | undefined> {
    return this.store.write((db) => {
      const device = db.query("SELECT 1 FROM devices WHERE device_id = ?").get(nodeId);
      return device === null ? undefined : apply(db, nodeId, decide);
    });
  }

  /** Changes the node that a waiting request is of. `decide` gets null when there is no such request. */
  changeByRequest<T>(
    requestId: string,
    decide: (state: (NodeState & { request: SurfaceRequest }) | null) => NodeChange<T>,
  ): Promise<T> {
    return this.store.write((db) => {
      const row = db.query("SELECT device_id FROM node_requests WHERE request_id = ?").get(requestId);
      const nodeId = (row as { device_id: string } | null)?.device_id;
      if (nodeId === undefined) return decide(null).result;
      return apply(db, nodeId, (state) => decide({ ...state, request: state.request! }));
    });
  }
}

interface Row {
  device_id: string;
  data: string;
}

function stateOf(db: Database, nodeId: string): NodeState {
  const data = (table: "node_surfaces" | "node_requests"): string | undefined =>
    (db.query(`SELECT data FROM ${table} WHERE device_id = ?`).get(nodeId) as { data: string } | null)?.data;
  const surface = data("node_surfaces");
  const request = data("node_requests");
  return {
    surface: surface === undefined ? null : (JSON.parse(surface) as NodeSurface),
    request: request === undefined ? null : (JSON.parse(request) as SurfaceRequest),
  };
}

function apply<T>(db: Database, nodeId: string, decide: (state: NodeState) => NodeChange<T>): T {
  const before = stateOf(db, nodeId);
  const { state: after, result } = decide(before);
  if (after === undefined) return result;
  if (after.surface !== before.surface) {
    db.query("DELETE FROM node_surfaces WHERE device_id = ?").run(nodeId);
    if (after.surface !== null) {
      const insert = "INSERT INTO node_surfaces (device_id, data) VALUES (?, ?)";
      db.query(insert).run(nodeId, JSON.stringify(after.surface));
    }
  }
  if (after.request !== before.request) {
    db.query("DELETE FROM node_requests WHERE device_id = ?").run(nodeId);
    if (after.request !== null) {
      const insert = "INSERT INTO node_requests (device_id, request_id, data) VALUES (?, ?, ?)";
      db.query(insert).run(nodeId, after.request.requestId, JSON.stringify(after.request));
    }
  }
  return result;
}
