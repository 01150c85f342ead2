import { LIMITS } from "../../../generated/limits.ts";
import type {
  TaskSummary,
  TasksCancelParams,
  TasksCancelResult,
  TasksGetResult,
  TasksListParams,
  TasksListResult,
} from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { SessionsPort } from "../../sessions/types.ts";
import { agentId } from "../roster.ts";
import type { RunOutcome } from "../runs/types.ts";
import type { Sender } from "../sender.ts";
import type { TaskOrder, TaskPlace, TaskRecord, TaskRepository, TaskState } from "./task-repository.ts";

interface TasksDeps {
  repository: TaskRepository;
  sessions: Pick<SessionsPort, "canonicalKey">;
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
      sessionKey: sessionKey === undefined ? undefined : sessions.canonicalKey(sessionKey, params.agentId),
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
    return { task: summary(task) };
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

const ENDED: Readonly<Record<RunOutcome["status"], TaskState>> = {
  ok: "completed",
  error: "failed",
  aborted: "cancelled",
  timeout: "timed_out",
  interrupted: "failed",
};

function summary({ runId, sessionKey, acceptedAt, startedAt, outcome }: TaskRecord): TaskSummary {
  const status = outcome ? ENDED[outcome.status] : startedAt === null ? "queued" : "running";
  const error = outcome?.status === "interrupted" ? "The gateway was stopped while this ran." : outcome?.error;
  return {
    id: runId,
    taskId: runId,
    kind: "cli",
    runtime: "cli",
    status,
    agentId: sessionKey.split(":")[1] ?? "main",
    sessionKey,
    childSessionKey: sessionKey,
    ownerKey: sessionKey,
    runId,
    sourceId: runId,
    createdAt: acceptedAt,
    updatedAt: outcome?.endedAt ?? startedAt ?? acceptedAt,
    ...(startedAt === null ? {} : { startedAt }),
    ...(outcome ? { endedAt: outcome.endedAt } : {}),
    ...(status === "completed" ? { terminalSummary: "completed" } : {}),
    ...(error ? { error } : {}),
    deliveryStatus: "not_applicable",
  };
}
