import { readFileSync } from "node:fs";
import { uuid } from "../platform/ids.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";
import type { Options } from "./options.ts";
import { chooseTarget } from "./target.ts";
import { printable } from "./text.ts";

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Upstream waits so much longer than the run may take, to hear how it ended. */
const GRACE_MS = 30_000;

interface AgentAnswer {
  status?: string;
  summary?: string;
  result?: { payloads?: { text?: string | null; mediaUrl?: string | null; mediaUrls?: string[] }[] };
}

/** Runs one turn and prints the answer (docs: cli/agent). Exit code 1 when the turn failed or was cut off. */
export async function run({ options, io, env, program }: Invocation): Promise<number> {
  const message = readMessage(options, program);
  const seconds = options.integer("timeout", { min: 0 }) ?? 600;
  const target = await chooseTarget(options, env);
  const params = { message, ...session(options), ...delivery(options), timeout: seconds, idempotencyKey: uuid() };
  const answer = (await callGateway(target, "agent", params, {
    timeoutMs: 10_000,
    answerTimeoutMs: seconds === 0 ? 2 ** 31 - 1 : seconds * 1000 + GRACE_MS,
    expectFinal: true,
  })) as AgentAnswer;
  if (options.flag("json")) writeJson(io, answer);
  else printAnswer(io, answer);
  return answer.status === "ok" ? EXIT.ok : EXIT.failed;
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
  const isWhole = key === undefined || agentId === undefined || key.startsWith("agent:");
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

function printAnswer(io: Io, { result, summary, status }: AgentAnswer): void {
  const payloads = result?.payloads ?? [];
  for (const { text, mediaUrl, mediaUrls } of payloads) {
    if (text) io.out(printable(text));
    for (const url of mediaUrls ?? (mediaUrl ? [mediaUrl] : [])) io.out(`MEDIA: ${printable(url)}`);
  }
  if (payloads.length === 0) io.out("No reply from agent.");
  if (status !== "ok")
    io.err(`The run ended with ${status ?? "no status"}${summary ? `: ${printable(summary)}` : ""}.`);
}
