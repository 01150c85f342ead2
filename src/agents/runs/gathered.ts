import { createHash } from "node:crypto";
import type { ContentPart, TranscriptMessage } from "../../sessions/types.ts";
import { isOwners } from "./authority.ts";
import type { LiveInput, Run } from "./run.ts";
import { type RunInput, textOf } from "./types.ts";

/** Characters of a dropped message that its summary keeps. */
const SUMMARY_CHARS = 160;

/**
 * Whether two messages may be answered in one turn: it has one set of rights, so both must have the same, and ask for
 * the same (docs: concepts/queue; KNOWN_ATTACKS 122).
 */
export function mayShareTurn(one: RunInput, other: RunInput): boolean {
  return (
    isOwners(one.message) === isOwners(other.message) &&
    one.origin === other.origin &&
    one.route === other.route &&
    JSON.stringify(one.settings) === JSON.stringify(other.settings)
  );
}

/** What is said in a run that answers several messages (words and keys as recorded from 2026.9.6). */
export function gathered({ role, sources }: Pick<Run, "role" | "sources">): RunInput {
  const last = sources.at(-1)!;
  if (role === "alone") return last;
  const runId = `followup-${role === "overflow" ? "overflow" : "collect"}:${digest(sources)}`;
  const text = role === "overflow" ? overflowText(sources) : collectedText(sources);
  const owners = new Set(sources.map(({ owner }) => owner));
  const message: TranscriptMessage = {
    role: "user",
    content: role === "overflow" ? text : withImages(text, sources),
    timestamp: last.message.timestamp,
    idempotencyKey: runId,
    meta: { ...last.message.meta, ...clientsOf(sources) },
  };
  const { prompt: _prompt, ...rest } = last;
  // What several people said together only an administrator may stop.
  return { ...rest, runId, message, owner: owners.size === 1 ? last.owner : "" };
}

function collectedText(sources: readonly LiveInput[]): string {
  const each = sources.map((input, index) => {
    const from = input.actor === undefined ? "" : ` (from ${input.actor})`;
    return `---\nQueued #${index + 1}${from}\n${input.prompt ?? textOf(input.message.content)}`;
  });
  return ["[Queued messages while agent was busy]", ...each].join("\n\n");
}

/** All are named, unlike upstream, which counts those that it leaves out. */
function overflowText(sources: readonly LiveInput[]): string {
  const lines = sources.map(({ message }) => `- ${summaryOf(textOf(message.content))}`);
  const count = `${sources.length} message${sources.length === 1 ? "" : "s"}`;
  return [`[Queue overflow] Dropped ${count} due to cap.`, "Summary:", ...lines].join("\n");
}

function summaryOf(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line === "") return "[image]";
  return line.length <= SUMMARY_CHARS ? line : `${line.slice(0, SUMMARY_CHARS - 1).trimEnd()}…`;
}

function withImages(text: string, sources: readonly LiveInput[]): string | ContentPart[] {
  const images = sources.flatMap(({ message: { content } }) =>
    typeof content === "string" ? [] : content.filter(({ type }) => type === "image"),
  );
  return images.length === 0 ? text : [{ type: "text", text }, ...images];
}

/** All clients that the messages came from, each once. */
function clientsOf(sources: readonly LiveInput[]): object {
  const clients = new Map<string, unknown>();
  for (const { message } of sources) {
    const { transport } = (message.meta ?? {}) as { transport?: { clients?: unknown[] } };
    for (const client of transport?.clients ?? []) clients.set(JSON.stringify(client), client);
  }
  return clients.size === 0 ? {} : { transport: { clients: [...clients.values()] } };
}

const digest = (sources: readonly LiveInput[]): string =>
  createHash("sha256")
    .update(JSON.stringify(sources.map(({ id }) => id)))
    .digest("hex");
