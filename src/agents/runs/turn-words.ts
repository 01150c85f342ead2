import { isForeignResult } from "../../defender/taint/sources.ts";
import { onlyAgrees, TurnTaint } from "../../defender/taint/turn-words.ts";
import type { ModelMessage } from "../../models/types.ts";
import { SUMMED_UP } from "../../sessions/compaction.ts";
import type { TranscriptMessage } from "../../sessions/types.ts";
import { type RunInput, textOf } from "./types.ts";

type Call = { name: string; args: Readonly<Record<string, unknown>> };
type Said = Pick<RunInput, "message" | "origin" | "asked">;

/** Sources of messages that are no orders: what a subagent brought back, what a hook carries, what a channel says. */
const CARRIERS: ReadonlySet<unknown> = new Set(["subagent_announce", "hook"]);

/**
 * Whose words a turn begins with. The message is heard when its sender may ask; what comes from elsewhere is a stranger's.
 * Of the conversation before, results of strangers still count, since the model still sees them. A message that only
 * agrees, or that nobody wrote, stands for the answer and the message before it.
 * @param messages what the model is shown, the newest message last
 */
export function beginningWords(messages: readonly ModelMessage[], said: Said, workspace: string): TurnTaint {
  const words = new TurnTaint();
  const calls = new Map<string, Call>();
  const before = messages.slice(0, -1);
  for (const message of before) {
    // A summary tells what everybody said, strangers too, and by whom no longer shows.
    if (isSummary(message)) words.see(textOf(message.content), "summary");
    else seeResults(words, message, calls, workspace);
  }
  hearMessage(words, said);
  const own = textOf(said.message.content);
  if (words.asked === "" ? isCarried(said) : onlyAgrees(own)) hearBefore(words, before);
  return words;
}

/** A message that came into the turn later. */
export function hearMessage(words: TurnTaint, said: Said): void {
  const text = textOf(said.message.content);
  if (mayAsk(said)) words.hear(text);
  else words.see(text, "message");
  if (said.asked !== undefined) words.hear(said.asked);
}

/** What calls of the turn returned, once the model is shown it. */
export function seeResult(words: TurnTaint, call: Call, result: TranscriptMessage, workspace: string): void {
  if (isForeignResult(call.name, call.args, workspace)) words.see(textOf(result.content), call.name);
  else if (isStandingOrder(call)) words.hear(textOf(result.content));
}

function seeResults(words: TurnTaint, message: ModelMessage, calls: Map<string, Call>, workspace: string): void {
  const { role, content, toolCallId } = message;
  if (role === "assistant" && typeof content !== "string") {
    for (const part of content)
      if (part.type === "toolCall") calls.set(part.id, { name: part.name, args: part.arguments });
  }
  if (role !== "toolResult" || toolCallId === undefined) return;
  const call = calls.get(toolCallId) ?? { name: message.toolName ?? "", args: {} };
  if (isForeignResult(call.name, call.args, workspace)) words.see(textOf(content), call.name);
}

/** The person's message before, and what was answered to it. */
function hearBefore(words: TurnTaint, before: readonly ModelMessage[]): void {
  const asked = before.findLastIndex((message) => message.role === "user" && !isSummary(message));
  if (asked < 0) return;
  for (const { role, content } of before.slice(Math.max(0, asked)))
    if (role !== "toolResult") words.hear(textOf(content));
}

const isSummary = ({ role, content }: ModelMessage): boolean =>
  role === "user" && textOf(content).startsWith(SUMMED_UP);

/** Whether a message's words are those of somebody who may ask for what they say. */
function mayAsk({ message, origin }: Said): boolean {
  if (CARRIERS.has(provenanceOf(message).sourceTool)) return false;
  return origin === undefined || origin === "owner" || origin === "paired-user" || origin === "model";
}

/** Whether a message brings what was asked for before. What a hook brings was never asked for. */
const isCarried = ({ message }: Said): boolean => provenanceOf(message).sourceTool === "subagent_announce";

const provenanceOf = ({ meta }: Pick<TranscriptMessage, "meta">): { sourceTool?: unknown } =>
  (meta?.provenance ?? {}) as { sourceTool?: unknown };

/** What the owner has written down to be done at each heartbeat. */
const isStandingOrder = ({ name, args }: Call): boolean =>
  name === "read" && /(?:^|\/)HEARTBEAT\.md$/.test(String(args.path ?? ""));
