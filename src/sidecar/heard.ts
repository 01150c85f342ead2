import { field } from "../client/frames.ts";
import type { Origin, ScreenContext } from "../defender/types.ts";

/** A text that passed in a session of another gateway. */
export interface Heard {
  /** The same for the same text, by whatever event it comes. */
  key: string;
  sessionKey: string;
  text: string;
  direction: ScreenContext["direction"];
  origin: Origin;
  agentId?: string;
  runId?: string;
}

/**
 * What an event brought that is worth judging: a message of a person (`session.message`), a tool's result (`session.tool`,
 * or `agent` with the stream `tool`), a finished answer (`chat` with the state `final`). Null for all others, and for what
 * cannot be read (BEHAVIOUR section 6).
 */
export function heardFrom(event: string, payload: unknown): Heard | null {
  const sessionKey = field(payload, "sessionKey");
  if (typeof sessionKey !== "string" || sessionKey === "") return null;
  const found = READERS[event]?.(payload);
  if (!found || found.text.trim() === "") return null;
  const key = `${sessionKey} ${found.key}`;
  return { ...found, ...given("agentId", payload), ...given("runId", payload), key, sessionKey };
}

type Part = Pick<Heard, "key" | "text" | "direction" | "origin">;

const READERS: Readonly<Record<string, (payload: unknown) => Part | null>> = {
  "session.message": messageOf,
  "session.tool": toolResultOf,
  agent: toolResultOf,
  chat: answerOf,
};

/** A person's message, or an answer. Tools' results are heard as they come, not again from the transcript. */
function messageOf(payload: unknown): Part | null {
  const message = field(payload, "message");
  const id = field(payload, "messageId") ?? field(payload, "messageSeq");
  const text = textIn(field(message, "content"));
  if (field(message, "role") === "assistant") return answer(text);
  if (field(message, "role") !== "user" || id === undefined) return null;
  const isOwner = field(payload, "senderIsOwner") === true;
  return { key: `message ${id}`, text, direction: "inbound", origin: isOwner ? "owner" : "channel-stranger" };
}

/** The same answer comes as a message and as a chat event, without a name that both have. */
const answer = (text: string): Part => ({
  key: `answer ${Bun.hash(text)}`,
  text,
  direction: "outbound",
  origin: "model",
});

function toolResultOf(payload: unknown): Part | null {
  const data = field(payload, "data");
  const call = field(data, "toolCallId");
  if (field(payload, "stream") !== "tool" || field(data, "phase") !== "result" || typeof call !== "string") return null;
  return {
    key: `tool ${field(payload, "runId")} ${call}`,
    text: textIn(field(data, "result")),
    direction: "inbound",
    origin: "tool-result",
  };
}

function answerOf(payload: unknown): Part | null {
  return field(payload, "state") === "final" ? answer(textIn(field(payload, "message"))) : null;
}

const MAX_DEPTH = 6;

/** The text in a message's content: a string, a list of parts, or an object that holds either. */
function textIn(value: unknown, depth = 0): string {
  if (typeof value === "string") return value;
  if (depth > MAX_DEPTH) return "";
  const parts = Array.isArray(value) ? value : [field(value, "text") ?? field(value, "content")];
  return parts
    .map((part) => (part === undefined ? "" : textIn(part, depth + 1)))
    .filter(Boolean)
    .join("\n");
}

const given = (name: "agentId" | "runId", payload: unknown): Partial<Heard> => {
  const value = field(payload, name);
  return typeof value === "string" && value !== "" ? { [name]: value } : {};
};
