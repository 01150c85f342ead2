import { LIMITS } from "../../../generated/limits.ts";
import type {
  TasksCancelParams,
  TasksCancelResult,
  TasksGetResult,
  TasksHistoryParams,
  TasksHistoryResult,
  TasksListParams,
  TasksListResult,
  TasksRecoveryParams,
  TasksRecoveryResult,
} from "../../../generated/types.ts";
import type { EventBus } from "../../platform/bus.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { agentId } from "../roster.ts";
import type { Sender } from "../sender.ts";
import { taskHistory } from "./history.ts";
import { summary, wholeTask } from "./summary.ts";
import type { TaskOrder, TaskPlace, TaskRepository } from "./task-repository.ts";

interface TasksDeps {
  repository: TaskRepository;
  sessions: Sessions;
  bus: EventBus;
  /** Stops a run for a sender. @throws GatewayError when it is not theirs */
  abort(run: { sessionKey: string; runId: string }, sender: Sender): Promise<{ aborted: boolean }>;
}

/**
 * Work that goes on beside conversations: the runs that programs ask for with the `agent` method. A task is known as
 * long as its run is (limits `idempotencyTtlMs` and `idempotencyMaxEntries`), over restarts too.
 */
export class Tasks {
  constructor(private readonly deps: TasksDeps) {}

  /** @throws GatewayError for a cursor that is none */
  async list(params: TasksListParams): Promise<TasksListResult> {
    const { repository, sessions } = this.deps;
    const { status, sessionKey, cursor, limit = LIMITS.taskListDefault } = params;
    const order = params.sortBy ?? "accepted";
    const found = await repository.list({
      states: status === undefined ? undefined : [status].flat(),
      sessionKey: sessionKey === undefined ? undefined : sessions.lookupKey(sessionKey, params.agentId),
      agentId: params.agentId === undefined ? undefined : agentId(params.agentId),
      order,
      below: cursor === undefined ? undefined : placeOf(cursor, order),
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      tasks: page.map(summary),
      ...(found.length > limit && last
        ? { nextCursor: order === "accepted" ? `${last.position}` : `${last.at}.${last.position}` }
        : {}),
    };
  }

  /** @throws GatewayError `task not found: x` */
  async get(taskId: string): Promise<TasksGetResult> {
    const task = await this.deps.repository.find(taskId);
    if (!task) throw invalidRequest(`task not found: ${taskId}`);
    return { task: wholeTask(task) };
  }

  /** What was said where a task ran. @throws GatewayError when there is no such task */
  async history({ taskId, ...page }: TasksHistoryParams): Promise<TasksHistoryResult> {
    const task = await this.deps.repository.find(taskId);
    if (!task) throw invalidRequest("Task not found.");
    return taskHistory(this.deps.sessions, task, page);
  }

  /** Tells clients how a task is now. */
  async tell(runId: string): Promise<void> {
    const task = await this.deps.repository.find(runId);
    if (task) this.deps.bus.publish("task", { action: "upserted", task: summary(task) });
  }

  /**
   * `tasks.retry` and `tasks.dismiss`: what becomes of a subagent's result that could not be delivered. The tasks here are
   * the runs of programs, which fetch their results themselves, so that none is ever held up.
   */
  recover({ taskIds }: TasksRecoveryParams, action: "retry" | "dismiss"): TasksRecoveryResult {
    const reason =
      action === "retry" ? "task has no recoverable subagent completion" : "completion delivery is not blocked";
    return { results: taskIds.map((taskId) => ({ taskId, ok: false, reason })) };
  }

  /** Stops a task that has not ended. That there is none to stop is an answer, not an error. */
  async cancel({ taskId }: TasksCancelParams, sender: Sender): Promise<TasksCancelResult> {
    const { repository, abort } = this.deps;
    const task = await repository.find(taskId);
    if (!task) return { found: false, cancelled: false, reason: "Task not found." };
    if (task.outcome) {
      return { found: true, cancelled: false, reason: "Task has ended already.", task: summary(task) };
    }
    const { aborted } = await abort({ sessionKey: task.sessionKey, runId: taskId }, sender);
    const after = summary((await repository.find(taskId)) ?? task);
    return aborted
      ? { found: true, cancelled: true, task: after }
      : { found: true, cancelled: false, reason: "Task has ended already.", task: after };
  }
}

/** @throws GatewayError for a cursor that is none, or of another order */
function placeOf(cursor: string, order: TaskOrder): TaskPlace {
  const match = /^(?:(\d{1,15})\.)?([1-9]\d{0,14})$/.exec(cursor);
  if (match === null || (match[1] === undefined) !== (order === "accepted")) {
    throw invalidRequest("invalid or expired tasks.list cursor; restart pagination without a cursor");
  }
  return { at: Number(match[1] ?? 0), position: Number(match[2]) };
}
