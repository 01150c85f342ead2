import type { ToolResult } from "../types.ts";
import type { Ending, ProcessSession } from "./process-session.ts";

export const CUT = "[earlier output was discarded at the retention cap and cannot be recovered]";
export const FOLLOW_UP = "Use process (list/poll/log/write/send-keys/submit/paste/kill/clear/remove) for follow-up.";
export const SIDE_EFFECTS =
  "The command was terminated, but external side effects may already have completed. Verify the resulting state before retrying. Do not automatically rerun non-idempotent commands.";
const TAIL_CHARS = 2000;

/** A command that is not started, in words for the model. */
export class ExecRefusal extends Error {}

const words = (text: string, details: Record<string, unknown>, isError = false): ToolResult => ({
  content: [{ type: "text", text }],
  details,
  ...(isError && { isError: true as const }),
});

/** A command that was not started: why, as upstream says it. */
export function refused(error: string): ToolResult {
  const details = { status: "error", tool: "exec", error };
  return words(JSON.stringify(details, null, 2), details, true);
}

/** A command that could not be started where it was to run. */
export function notStarted(message: string, cwd: string, startedAt: number, now: number): ToolResult {
  const details = { exitCode: null, exitSignal: null, failureKind: "runtime-error", durationMs: now - startedAt };
  return words(message, { status: "failed", ...details, aggregated: "", timedOut: false, cwd }, true);
}

/** A command that was not run because somebody, or nobody, said so. */
export function denied(message: string, cwd: string): ToolResult {
  const details = { status: "failed", exitCode: null, durationMs: 0, aggregated: message, timedOut: false, cwd };
  return words(message, details, true);
}

/** A command that goes on without the turn. */
export function running(session: ProcessSession): ToolResult {
  const { id: sessionId, pid, startedAt, cwd, output } = session;
  return words(`Command still running (session ${sessionId}, pid ${pid}). ${FOLLOW_UP}`, {
    status: "running",
    sessionId,
    pid,
    startedAt,
    cwd,
    tail: output.tail(TAIL_CHARS),
    followUp: FOLLOW_UP,
  });
}

/** What a running command has said so far, for those who watch. */
export const soFar = ({ output, cwd }: ProcessSession): ToolResult =>
  words(output.tail(TAIL_CHARS), { status: "running", cwd, tail: output.tail(TAIL_CHARS) });

/** A command that has ended while the turn waited (texts as measured on 2026.9.6). */
export function finished(session: ProcessSession, ending: Ending, timeoutSeconds: number): ToolResult {
  const { cwd, startedAt, output } = session;
  return ended({ output: output.all, isCut: output.isCut, cwd, startedAt, ending, timeoutSeconds });
}

/** A command that has ended, wherever it ran. */
export interface Ended {
  output: string;
  /** True when what was said first is gone. */
  isCut: boolean;
  cwd: string | null;
  startedAt: number;
  ending: Ending;
  timeoutSeconds: number;
  /** More facts for those who watch. */
  more?: Record<string, unknown>;
}

export function ended({ output, isCut, cwd, startedAt, ending, timeoutSeconds, more = {} }: Ended): ToolResult {
  const said = keptText(output, isCut);
  const facts = {
    exitCode: ending.code,
    exitSignal: ending.signal,
    exitReason: ending.reason,
    durationMs: ending.endedAt - startedAt,
    aggregated: output.trimEnd(),
    timedOut: ending.reason === "overall-timeout",
    noOutputTimedOut: false,
    cwd,
    ...more,
  };
  const failure = failureOf(ending, timeoutSeconds);
  if (failure === null) {
    const note = ending.code === 0 ? "" : `\n\n(Command exited with code ${ending.code})`;
    return words((said || "(no output)") + note, { status: "completed", ...facts });
  }
  const text = [said, failure.text].filter((part) => part !== "").join("\n\n");
  return words(text, { status: "failed", failureKind: failure.kind, ...facts }, true);
}

function keptText(all: string, isCut: boolean): string {
  const text = all.trimEnd();
  return isCut ? `${CUT}\n\n${text}` : text;
}

function failureOf({ code, signal, reason }: Ending, seconds: number): { kind: string; text: string } | null {
  if (reason === "overall-timeout") {
    const more =
      "If it should keep running, start it with exec background=true or yieldMs so that it becomes a session of the process tool. Do not rely on shell backgrounding with a trailing &.";
    const retry = `${SIDE_EFFECTS} Use a higher timeout only when the command is known to be safe to retry.`;
    return { kind: reason, text: `Command timed out after ${seconds} seconds.\n\n${retry}\n\n${more}` };
  }
  if (signal !== null) return { kind: "signal", text: `Command aborted by signal ${signal}` };
  if (code === 127) return { kind: "shell-command-not-found", text: "Command not found" };
  if (code === 126) return { kind: "shell-not-executable", text: "Command not executable (permission denied)" };
  return null;
}
