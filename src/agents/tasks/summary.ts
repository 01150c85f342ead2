import type { TaskSummary } from "../../../generated/types.ts";
import { oneLine } from "../../sessions/names.ts";
import type { RunOutcome } from "../runs/types.ts";
import type { TaskRecord, TaskState } from "./task-repository.ts";

/** Characters of a task's title, as upstream cuts it. */
const TITLE_CHARS = 80;

const ENDED: Readonly<Record<RunOutcome["status"], TaskState>> = {
  ok: "completed",
  error: "failed",
  aborted: "cancelled",
  timeout: "timed_out",
  interrupted: "failed",
};

/** A task as lists and events show it, fields in upstream's order. */
export function summary({ runId, sessionKey, acceptedAt, startedAt, outcome, prompt }: TaskRecord): TaskSummary {
  const status = outcome ? ENDED[outcome.status] : startedAt === null ? "queued" : "running";
  const error = outcome?.status === "interrupted" ? "The gateway was stopped while this ran." : outcome?.error;
  return {
    id: runId,
    taskId: runId,
    kind: "cli",
    runtime: "cli",
    status,
    execution: { state: outcome ? "finished" : startedAt === null ? "unknown" : "running" },
    ...(prompt ? { title: titleOf(prompt) } : {}),
    agentId: sessionKey.split(":")[1] ?? "main",
    sessionKey,
    childSessionKey: sessionKey,
    hasTranscript: true,
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

/** The same with all that was asked and what came of it. */
export function wholeTask(task: TaskRecord): TaskSummary {
  const { terminalSummary, ...facts } = summary(task);
  return {
    ...facts,
    ...(terminalSummary === undefined ? {} : { terminalSummary, result: task.outcome?.reply?.text ?? terminalSummary }),
    ...(task.prompt ? { prompt: task.prompt } : {}),
  };
}

function titleOf(prompt: string): string {
  const line = oneLine(prompt);
  if (line.length <= TITLE_CHARS) return line;
  return `${line.slice(0, TITLE_CHARS - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
