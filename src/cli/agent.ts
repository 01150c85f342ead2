import { readFileSync } from "node:fs";
import type { Connection } from "../client/connection.ts";
import { GatewayRequestError } from "../client/errors.ts";
import { field } from "../client/frames.ts";
import { uuid } from "../platform/ids.ts";
import { scopesFor, withGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure, GatewayCallFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";
import type { Options } from "./options.ts";
import { reportFailure } from "./report.ts";
import { chooseTarget } from "./target.ts";
import { printable } from "./text.ts";

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Upstream waits so much longer than the run may take, to hear how it ended. */
const GRACE_MS = 30_000;
const CONNECT_MS = 10_000;
const ABORT_MS = 2000;
/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface AgentAnswer {
  runId?: string;
  status?: string;
  summary?: string;
  result?: { payloads?: { text?: string | null; mediaUrl?: string | null; mediaUrls?: string[] }[] };
}

/** The run that the gateway has accepted: it goes on there whatever becomes of this process. */
interface Accepted {
  runId: string;
  sessionKey: string;
}

/**
 * Runs one turn and prints the answer (docs: cli/agent). Exit code 1 when the turn failed or was cut off. SIGINT and
 * SIGTERM stop the run at the gateway too and end with their own codes.
 */
export async function run({ options, io, env, program }: Invocation): Promise<number> {
  const message = readMessage(options, program);
  const seconds = options.integer("timeout", { min: 0 }) ?? 600;
  const target = await chooseTarget(options, env);
  const params = { message, ...session(options), ...delivery(options), timeout: seconds, idempotencyKey: uuid() };
  const answerTimeoutMs = seconds === 0 ? MAX_TIMER_MS : Math.min(seconds * 1000 + GRACE_MS, MAX_TIMER_MS);
  let accepted: Accepted | undefined;
  try {
    return await withGateway(target, { timeoutMs: CONNECT_MS, scopes: scopesFor("agent") }, async (connection) => {
      const answered = connection.request("agent", params, {
        timeoutMs: answerTimeoutMs,
        expectFinal: true,
        onAccepted: (payload) => {
          accepted = payload as Accepted;
        },
      }) as Promise<AgentAnswer>;
      const stopped = untilSignal();
      const first = await Promise.race([answered, stopped.signal]);
      stopped.forget();
      if (typeof first === "string") return interrupted(connection, accepted, first);
      if (options.flag("json")) writeJson(io, first);
      else printAnswer(io, first);
      return first.status === "ok" ? EXIT.ok : EXIT.failed;
    });
  } catch (error) {
    if (!(error instanceof GatewayCallFailure)) throw error;
    return reportAgentFailure(error, accepted?.runId, { io, program, json: options.flag("json") });
  }
}

function untilSignal(): { signal: Promise<StopSignal>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<StopSignal>();
  const listener = (signal: string): void => resolve(signal as StopSignal);
  for (const signal of Object.keys(STOP_CODES)) process.on(signal, listener);
  const forget = (): void => {
    for (const signal of Object.keys(STOP_CODES)) process.off(signal, listener);
  };
  return { signal: promise, forget };
}

/** What a shell reports of a process that such a signal ended. */
const STOP_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof STOP_CODES;

async function interrupted(
  connection: Connection,
  accepted: Accepted | undefined,
  signal: StopSignal,
): Promise<number> {
  const abort = accepted && { sessionKey: accepted.sessionKey, runId: accepted.runId };
  if (abort) await connection.request("chat.abort", abort, { timeoutMs: ABORT_MS }).catch(() => {});
  return STOP_CODES[signal];
}

/** Like any failed call, and which run it was about: that may still be at work (docs: cli/agent, JSON failures). */
function reportAgentFailure(
  failure: GatewayCallFailure,
  acceptedId: string | undefined,
  { io, program, json }: { io: Io; program: string; json: boolean },
): number {
  const { cause } = failure;
  const own = cause instanceof GatewayRequestError ? field(cause.payload, "runId") : undefined;
  const runId = acceptedId ?? (typeof own === "string" ? own : undefined);
  if (json) {
    const error = { type: "cli_error", message: cause.message };
    writeJson(io, { ok: false, ...(runId !== undefined && { runId, origin: "gateway" }), error });
    return EXIT.failed;
  }
  const code = reportFailure(failure, { io, program, json, command: "agent" });
  if (runId !== undefined && !(cause instanceof GatewayRequestError)) {
    io.err(`The gateway may still be at work on run ${runId}. Look at the session before asking again.`);
  }
  return code;
}

function readMessage(options: Options, program: string): string {
  const text = options.text("message");
  const file = options.text("message-file");
  if (text !== undefined && file !== undefined) throw new CliFailure("Use either --message or --message-file.");
  const message = text ?? (file === undefined ? undefined : readFile(file));
  if (message?.trim()) return message;
  throw new CliFailure("There is no message.", {
    hints: [`For instance: ${program} agent --message "What is on today?"`],
  });
}

function readFile(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new CliFailure(`The message cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length > MAX_MESSAGE_BYTES) throw new CliFailure(`${path} is longer than 4 MiB.`);
  try {
    // A byte order mark at the start is left out.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CliFailure(`${path} is not UTF-8 text.`);
  }
}

/** The session's selectors as the method takes them. A blank one is a mistake in a script, not a wish. */
function session(options: Options): Record<string, string | undefined> {
  for (const name of ["to", "session-key", "session-id", "agent"]) {
    if (options.text(name)?.trim() === "") throw new CliFailure(`--${name} is empty. Leave it out or give it a value.`);
  }
  const agentId = options.text("agent");
  const key = options.text("session-key");
  const owner = /^agent:([^:]+):/.exec(key ?? "")?.[1];
  if (agentId !== undefined && owner !== undefined && owner !== agentId) {
    throw new CliFailure(`--session-key is a session of agent ${owner}, not of ${agentId}.`);
  }
  const isWhole = key === undefined || agentId === undefined || owner !== undefined;
  return {
    agentId,
    sessionKey: isWhole ? key : `agent:${agentId}:${key}`,
    sessionId: options.text("session-id"),
    to: options.text("to"),
    model: options.text("model"),
    thinking: options.text("thinking"),
  };
}

function delivery(options: Options): Record<string, string | boolean | undefined> {
  return {
    deliver: options.flag("deliver"),
    channel: options.text("channel"),
    replyTo: options.text("reply-to"),
    replyChannel: options.text("reply-channel"),
    replyAccountId: options.text("reply-account"),
  };
}

function printAnswer(io: Io, { result, summary, status, runId }: AgentAnswer): void {
  if (status === "in_flight") {
    io.err(`The session is at work on this message already${runId ? ` (run ${runId})` : ""}.`);
    return;
  }
  const payloads = result?.payloads ?? [];
  for (const { text, mediaUrl, mediaUrls } of payloads) {
    if (text) io.out(printable(text));
    for (const url of mediaUrls ?? (mediaUrl ? [mediaUrl] : [])) io.out(`MEDIA: ${printable(url)}`);
  }
  if (payloads.length === 0) io.out("No reply from agent.");
  if (status !== "ok")
    io.err(`The run ended with ${status ?? "no status"}${summary ? `: ${printable(summary)}` : ""}.`);
}
