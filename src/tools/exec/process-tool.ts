import type { Tool, ToolContext, ToolResult } from "../types.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { type KeyInput, keyBytes, pasted } from "./keys.ts";
import { duration } from "./names.ts";
import type { ProcessSession } from "./process-session.ts";
import type { Processes } from "./processes.ts";
import { CUT, ExecRefusal, SIDE_EFFECTS } from "./results.ts";

export interface ProcessToolDeps {
  processes: Processes;
  gatekeeper: Pick<Gatekeeper, "typed">;
  now: () => number;
  limits: { execPollMaxMs: number; execLogLines: number; execInputIdleMs: number; execInputBytes: number };
}

const ACTIONS = ["list", "poll", "log", "write", "send-keys", "submit", "paste", "kill", "clear", "remove"] as const;
type Action = (typeof ACTIONS)[number];

interface Args extends KeyInput {
  action: Action;
  sessionId?: string;
  data?: string;
  text?: string;
  bracketed?: boolean;
  eof?: boolean;
  offset?: number;
  limit?: number;
  timeout?: number;
}

const optional = (type: string, description: string) => ({ type, description });
const texts = (description: string) => ({ type: "array", items: { type: "string" }, description });

const PARAMETERS = {
  type: "object",
  required: ["action"],
  properties: {
    action: { type: "string", enum: [...ACTIONS], description: "What to do with the session." },
    sessionId: optional("string", "The session that exec named; needed for everything but list."),
    data: optional("string", "write: what is typed."),
    eof: optional("boolean", "write: close the input afterwards."),
    keys: texts("send-keys: keys by name, such as Enter, C-c, M-x, Up."),
    hex: texts("send-keys: bytes in hexadecimal."),
    literal: optional("string", "send-keys: text that is typed as it is, before hex and keys."),
    text: optional("string", "paste: the text."),
    bracketed: optional("boolean", "paste: mark it as pasted text; true unless told otherwise."),
    offset: optional("number", "log: first line, from 0."),
    limit: optional("number", "log: number of lines."),
    timeout: {
      type: "number",
      minimum: 0,
      description: "poll: milliseconds to wait for something new, 30000 at most.",
    },
  },
};

/** A command that failed as a tool call; the model is told why. */
class Refusal extends Error {}

/** Looks after commands that exec let go on in the background (docs: gateway/background-process; texts of 2026.9.6). */
export function processTool(deps: ProcessToolDeps): Tool {
  return {
    name: "process",
    description:
      "Manages commands that exec left running: list them, poll for new output and the end, read the log, type into their terminal (write, send-keys, submit, paste), kill or remove them. Not for waiting: a command that ends wakes the session by itself.",
    parameters: PARAMETERS,
    run: async (args, context) => {
      try {
        return await perform(deps, args as unknown as Args, context);
      } catch (error) {
        if (!(error instanceof Refusal || error instanceof ExecRefusal)) throw error;
        return said(error.message, { status: "failed", error: error.message }, true);
      }
    },
  };
}

async function perform(deps: ProcessToolDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  const { processes } = deps;
  const { agentId } = context;
  if (args.action === "list") return list(deps, processes.list(agentId));
  const id = args.sessionId?.trim();
  if (!id) throw new Refusal("sessionId is required for this action.");
  const session = processes.find(agentId, id);
  switch (args.action) {
    case "poll":
      return poll(deps, known(session, id), args.timeout ?? 0, context.signal);
    case "log":
      return log(deps, known(session, id), args);
    case "clear":
      if (!session || session.isRunning) throw new Refusal(`No finished session found for ${id}`);
      processes.forget(session);
      return said(`Cleared session ${id}.`, { status: "completed" });
    case "kill":
      return kill(active(session, id));
    case "remove":
      return remove(processes, known(session, id));
    default:
      return type(deps, writable(active(session, id)), args, context);
  }
}

const said = (text: string, details: Record<string, unknown>, isError = false): ToolResult => ({
  content: [{ type: "text", text }],
  details,
  ...(isError && { isError: true as const }),
});

function known(session: ProcessSession | undefined, id: string): ProcessSession {
  if (!session) throw new Refusal(`No session found for ${id}`);
  return session;
}

function active(session: ProcessSession | undefined, id: string): ProcessSession {
  if (!session?.isRunning) throw new Refusal(`No active session found for ${id}`);
  return session;
}

function writable(session: ProcessSession): ProcessSession {
  if (!session.isWritable) throw new Refusal(`Session ${session.id} stdin is not writable.`);
  return session;
}

function list(deps: ProcessToolDeps, sessions: ProcessSession[]): ToolResult {
  const now = deps.now();
  const lines = sessions.map((session) => {
    const { id, name, ending, startedAt } = session;
    const timedOut = ending?.reason === "overall-timeout" ? " [overall-timeout]" : "";
    const lasted = duration((ending?.endedAt ?? now) - startedAt);
    return `${id} ${statusOf(session).padEnd(9)} ${lasted}${timedOut} :: ${name}`;
  });
  const rows = sessions.map((session) => {
    const { id: sessionId, startedAt, cwd, command, name, output, ending, pid } = session;
    return {
      sessionId,
      status: statusOf(session),
      startedAt,
      runtimeMs: (ending?.endedAt ?? now) - startedAt,
      cwd,
      command,
      name,
      tail: output.tail(2000),
      truncated: output.isCut,
      ...(ending === null ? { pid, ...inputFacts(deps, session) } : { ...endFacts(session), endedAt: ending.endedAt }),
    };
  });
  return said(lines.join("\n") || "No running or recent sessions.", { status: "completed", sessions: rows });
}

async function poll(
  deps: ProcessToolDeps,
  session: ProcessSession,
  timeout: number,
  signal: AbortSignal,
): Promise<ToolResult> {
  await session.endedWithin(Math.min(timeout, deps.limits.execPollMaxMs), signal);
  signal.throwIfAborted();
  const { id: sessionId, name, output, ending } = session;
  const { text, omitted } = output.takeNew();
  const notes = [
    ...(text !== "" && output.isCut ? [CUT] : []),
    ...(omitted
      ? ["[earlier output is omitted from this poll; use action=log with offset and limit to inspect retained output]"]
      : []),
  ];
  const parts = [
    ...notes,
    text.trimEnd() || "(no new output)",
    ending === null ? "Process still running." : end(session),
  ];
  const isFailed = ending !== null && failed(session);
  if (isFailed) parts.push(SIDE_EFFECTS);
  const facts = ending === null ? { ...inputFacts(deps, session), retryInMs: 5000 } : endFacts(session);
  const status = ending === null ? "running" : isFailed ? "failed" : "completed";
  return said(parts.join("\n\n"), { status, sessionId, ...facts, name, aggregated: output.all }, isFailed);
}

function log(deps: ProcessToolDeps, session: ProcessSession, { offset, limit }: Args): ToolResult {
  const { id: sessionId, name, output, ending } = session;
  const all = output.all.replaceAll("\r\n", "\n");
  const lines = all === "" ? [] : all.replace(/\n$/, "").split("\n");
  const isPaged = offset !== undefined || limit !== undefined;
  const count = Math.max(0, Math.trunc(limit ?? (isPaged ? lines.length : deps.limits.execLogLines)));
  const first = offset === undefined ? Math.max(0, lines.length - count) : Math.max(0, Math.trunc(offset));
  const page = lines.slice(first, first + count).join("\n");
  const isPart = !isPaged && lines.length > count;
  const parts = [
    ...(output.isCut && page !== "" ? [CUT] : []),
    page || (ending === null ? "(no output yet)" : "(no output recorded)"),
    ...(isPart ? [`[showing last ${count} of ${lines.length} lines; pass offset/limit to page]`] : []),
    ...(ending !== null && ending.reason !== "exit" ? [end(session)] : []),
  ];
  const text = parts.join("\n\n");
  const facts = ending === null ? inputFacts(deps, session) : endFacts(session);
  const totals = { total: lines.length, totalLines: lines.length, totalChars: output.all.length };
  const status = ending === null ? "running" : failed(session) ? "failed" : "completed";
  const details = { status, sessionId, ...facts, name, output: text, ...totals, truncated: output.isCut };
  return said(text, details, status === "failed");
}

function kill(session: ProcessSession): ToolResult {
  void session.stop("manual-cancel");
  return said(`Termination requested for session ${session.id}.`, { status: "completed", name: session.name });
}

function remove(processes: Processes, session: ProcessSession): ToolResult {
  const { id, name, isRunning } = session;
  if (isRunning) void session.stop("manual-cancel");
  processes.forget(session);
  const how = isRunning ? " (termination requested)" : "";
  return said(`Removed session ${id}${how}.`, { status: "completed", ...(isRunning && { name }) });
}

/** Types into a session. Lines are shown to the defender first: what reads them may be a shell. */
async function type(
  deps: ProcessToolDeps,
  session: ProcessSession,
  args: Args,
  context: ToolContext,
): Promise<ToolResult> {
  const { id } = session;
  const { bytes, warnings, said: words } = inputOf(args, id);
  if (bytes.length > deps.limits.execInputBytes) throw new Refusal("That is too much to type at once.");
  const typed = session.typed + Buffer.from(bytes).toString();
  const lineEnd = Math.max(typed.lastIndexOf("\r"), typed.lastIndexOf("\n"));
  if (lineEnd >= 0 && typed.slice(0, lineEnd).trim() !== "") {
    const refusal = await deps.gatekeeper.typed(typed.slice(0, lineEnd).trim(), session.cwd, context);
    if (refusal !== null) return refusal;
  }
  session.typed = typed.slice(lineEnd + 1).slice(-MAX_TYPED_CHARS);
  writable(session).write(bytes, args.action === "write" && args.eof === true);
  const warned = warnings.length > 0 ? `\nWarnings:\n${warnings.map((each) => `- ${each}`).join("\n")}` : "";
  return said(words + warned, { status: "running", sessionId: id, name: session.name });
}

/** Of a line that is not ended yet. */
const MAX_TYPED_CHARS = 16_384;

/** What an action types, and how it is told of. */
function inputOf(args: Args, id: string): { bytes: Uint8Array; warnings: string[]; said: string } {
  const warnings: string[] = [];
  if (args.action === "submit") {
    return { bytes: Buffer.from("\r"), warnings, said: `Submitted session ${id} (sent CR).` };
  }
  if (args.action === "paste") {
    const text = args.text ?? "";
    const bytes = Buffer.from(pasted(text, args.bracketed !== false));
    return { bytes, warnings, said: `Pasted ${text.length} chars to session ${id}.` };
  }
  if (args.action === "write") {
    const bytes = Buffer.from(args.data ?? "");
    const closed = args.eof ? " (stdin closed)" : "";
    return { bytes, warnings, said: `Wrote ${bytes.length} bytes to session ${id}${closed}.` };
  }
  const keys = keyBytes(args);
  if (keys.bytes.length === 0) throw new Refusal("No key data provided.");
  return { ...keys, said: `Sent ${keys.bytes.length} bytes to session ${id}.` };
}

/** The status of a list: what was ended in any way has failed there. */
const statusOf = ({ ending }: ProcessSession): string =>
  ending === null ? "running" : ending.reason === "exit" ? "completed" : "failed";

/** True for an end that nobody wanted. */
const failed = ({ ending }: ProcessSession): boolean =>
  ending !== null && ending.reason !== "exit" && ending.reason !== "manual-cancel";

function end({ ending }: ProcessSession): string {
  const { code, signal, reason } = ending!;
  if (reason === "manual-cancel") return `Process stopped by request (signal ${signal ?? "SIGTERM"}).`;
  return signal === null ? `Process exited with code ${code}.` : `Process exited with signal ${signal}.`;
}

function endFacts({ ending }: ProcessSession): Record<string, unknown> {
  const { code, signal, reason } = ending!;
  return {
    ...(code !== null && { exitCode: code }),
    ...(signal !== null && { exitSignal: signal }),
    exitReason: reason,
    timedOut: reason === "overall-timeout",
    noOutputTimedOut: false,
  };
}

function inputFacts({ now, limits }: ProcessToolDeps, session: ProcessSession): Record<string, unknown> {
  const { isWritable: stdinWritable, lastOutputAt } = session;
  const idleMs = now() - lastOutputAt;
  return { stdinWritable, waitingForInput: stdinWritable && idleMs >= limits.execInputIdleMs, idleMs, lastOutputAt };
}
