import { isAbsolute } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type {
  TaskSuggestion,
  TaskSuggestionsCreateParams,
  TaskSuggestionsCreateResult,
  TaskSuggestionsDismissResult,
  TaskSuggestionsListParams,
  TaskSuggestionsListResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";

export interface SuggestionDeps {
  store: Store;
  agents: Pick<AgentCatalogue, "roster" | "find">;
  bus: EventBus;
  clock: Clock;
}

interface Row {
  id: string;
  title: string;
  prompt: string;
  tldr: string;
  cwd: string;
  session_key: string;
  agent_id: string;
  created_at: number;
}

/**
 * Work that was come across beside a task and is offered to people until somebody decides. The newest are kept; each
 * change publishes `task.suggestion`.
 */
export class Suggestions {
  constructor(private readonly deps: SuggestionDeps) {}

  /** Newest first. Keys are compared as they were given. @throws GatewayError for a malformed key or an unknown agent */
  async list({ sessionKey, agentId }: TaskSuggestionsListParams): Promise<TaskSuggestionsListResult> {
    if (sessionKey !== undefined && /^agent::/i.test(sessionKey.trim())) {
      throw invalidRequest(`malformed session key "${sessionKey}"`);
    }
    // Upstream looks at the agent for the session that it should own.
    if (sessionKey !== undefined) this.checkAgent(agentId);
    const rows = await this.deps.store.read(
      (db) =>
        db
          .query(
            `SELECT * FROM task_suggestions WHERE (?1 IS NULL OR session_key = ?1) AND (?2 IS NULL OR agent_id = ?2)
             ORDER BY position DESC`,
          )
          .all(sessionKey ?? null, agentId ?? null) as Row[],
    );
    return { suggestions: rows.map(shapeOf) };
  }

  async create(params: TaskSuggestionsCreateParams): Promise<TaskSuggestionsCreateResult> {
    const { store, agents, bus, clock } = this.deps;
    const { title, prompt, tldr, cwd, sessionKey } = params;
    if (!isAbsolute(cwd)) throw invalidRequest("task suggestion cwd must be absolute");
    this.checkAgent(params.agentId);
    const owner = params.agentId ?? /^agent:([^:]+):/.exec(sessionKey)?.[1] ?? agents.roster.defaultId;
    const { row, dropped } = await store.write((db) => {
      const row = db
        .query(
          `INSERT INTO task_suggestions (id, title, prompt, tldr, cwd, session_key, agent_id, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
        )
        .get(`task_${uuid()}`, title, prompt, tldr, cwd, sessionKey, owner, clock.now()) as Row;
      const dropped = db
        .query(
          `DELETE FROM task_suggestions WHERE position NOT IN
             (SELECT position FROM task_suggestions ORDER BY position DESC LIMIT ?) RETURNING id`,
        )
        .all(LIMITS.taskSuggestions) as { id: string }[];
      return { row, dropped };
    });
    for (const { id } of dropped) {
      bus.publish("task.suggestion", { action: "resolved", taskId: id, resolution: "expired" });
    }
    const suggestion = shapeOf(row);
    bus.publish("task.suggestion", { action: "created", suggestion });
    return { taskId: suggestion.id, suggestion };
  }

  private checkAgent(id: string | undefined): void {
    if (id !== undefined && !this.deps.agents.find(id)) throw invalidRequest(`Unknown agent id "${id}"`);
  }

  /** That there is none to dismiss is an answer, not an error. */
  async dismiss(taskId: string): Promise<TaskSuggestionsDismissResult> {
    const { store, bus } = this.deps;
    const gone = await store.write((db) =>
      db.query("DELETE FROM task_suggestions WHERE id = ? RETURNING 1").get(taskId),
    );
    if (gone !== null) bus.publish("task.suggestion", { action: "resolved", taskId, resolution: "dismissed" });
    return { taskId, dismissed: gone !== null };
  }
}

const shapeOf = (row: Row): TaskSuggestion => ({
  id: row.id,
  title: row.title,
  prompt: row.prompt,
  tldr: row.tldr,
  cwd: row.cwd,
  sessionKey: row.session_key,
  agentId: row.agent_id,
  createdAt: row.created_at,
});
