import { LIMITS } from "../../generated/limits.ts";
import type { BoardGetParams, BoardSnapshot, BoardUpdateParams } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { EventBus } from "../platform/bus.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { SessionsPort } from "../sessions/types.ts";
import type { Store } from "../store/store.ts";
import { applyOps, type Tab } from "./ops.ts";

export interface BoardDeps {
  store: Store;
  agents: Pick<AgentCatalogue, "find">;
  sessions: Pick<SessionsPort, "lookupKey">;
  bus: EventBus;
}

interface Row {
  revision: number;
  tabs: string;
}

/**
 * The dashboards of sessions: tabs beside the conversation, in an order. Widgets need a place that shows them apart from
 * the page and cannot be put on a board yet. A board outlives a reset of its session and goes with its deletion.
 */
export class Boards {
  constructor(private readonly deps: BoardDeps) {}

  /** A session without a board has an empty one of revision 0. @throws GatewayError */
  async get(params: BoardGetParams): Promise<BoardSnapshot> {
    const key = this.key(params);
    const row = await this.deps.store.read(
      (db) => db.query("SELECT revision, tabs FROM boards WHERE session_key = ?").get(key) as Row | null,
    );
    return snapshot(key, row?.revision ?? 0, row ? JSON.parse(row.tabs) : []);
  }

  /**
   * Applies all changes or none, and publishes `board.changed`. A board without tabs is gone.
   * @throws GatewayError for a session that does not exist and for a change that cannot be made
   */
  async update(params: BoardUpdateParams): Promise<BoardSnapshot> {
    if (params.ops.length === 0) return this.get(params);
    if (params.ops.length > LIMITS.boardOps) throw invalidRequest(`board.update takes at most ${LIMITS.boardOps} ops`);
    const key = this.key(params);
    const { revision, tabs } = await this.deps.store.write((db) => {
      if (db.query("SELECT 1 FROM sessions WHERE key = ?").get(key) === null) {
        throw invalidRequest(`board session not found: ${key}`);
      }
      const row = db.query("SELECT revision, tabs FROM boards WHERE session_key = ?").get(key) as Row | null;
      const tabs = applyOps(row ? (JSON.parse(row.tabs) as Tab[]) : [], params.ops);
      if (tabs.length > LIMITS.boardTabs) throw invalidRequest(`a board has at most ${LIMITS.boardTabs} tabs`);
      const revision = (row?.revision ?? 0) + 1;
      if (tabs.length === 0) db.query("DELETE FROM boards WHERE session_key = ?").run(key);
      else {
        db.query(
          `INSERT INTO boards (session_key, revision, tabs) VALUES (?1, ?2, ?3)
           ON CONFLICT (session_key) DO UPDATE SET revision = ?2, tabs = ?3`,
        ).run(key, revision, JSON.stringify(tabs));
      }
      return { revision, tabs };
    });
    this.deps.bus.publish("board.changed", { sessionKey: key, revision });
    return snapshot(key, revision, tabs);
  }

  private key({ sessionKey, agentId }: BoardGetParams): string {
    const { agents, sessions } = this.deps;
    if (agentId !== undefined && !agents.find(agentId)) throw invalidRequest(`Unknown agent id "${agentId}"`);
    return sessions.lookupKey(sessionKey, agentId);
  }
}

const snapshot = (sessionKey: string, revision: number, tabs: readonly Tab[]): BoardSnapshot => ({
  sessionKey,
  revision,
  tabs: tabs.map((tab, position) => ({ tabId: tab.tabId, title: tab.title, position, chatDock: tab.chatDock })),
  widgets: [],
});
