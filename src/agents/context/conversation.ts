import { LIMITS } from "../../../generated/limits.ts";
import type { ModelMessage } from "../../models/types.ts";
import type { ContentPart, TranscriptMessage } from "../../sessions/types.ts";

/** What a character of text and an image cost, roughly; providers do not say before they are asked. */
const CHARS_PER_TOKEN = 4;
const IMAGE_TOKENS = 1600;
const MESSAGE_TOKENS = 4;

/** A conversation cut to what a model takes. */
export interface Conversation {
  messages: ModelMessage[];
  /** Tokens, estimated. */
  tokens: number;
  /** Messages that were in reach but did not fit. */
  leftOut: number;
}

/** Roughly how many tokens a text has. */
export const textTokens = (text: string): number => Math.ceil(text.length / CHARS_PER_TOKEN);

/**
 * The newest part of a transcript that fits `budget` tokens, oldest first. The newest message is always there: a
 * request without it would answer something else. So is a summary of what was said before. Of images only the newest few go along; older ones are named.
 */
export function conversation(
  transcript: readonly (TranscriptMessage & { isSummary?: true })[],
  budget: number,
): Conversation {
  const summary = transcript.find(({ isSummary }) => isSummary);
  const inContext = transcript.filter((message) => message !== summary && belongs(message));
  const messages: ModelMessage[] = [];
  let tokens = summary ? contentTokens(summary.content) : 0;
  let images = 0;
  for (const message of inContext.toReversed()) {
    const content = withImages(message.content, () => ++images <= LIMITS.contextImages);
    const cost = contentTokens(content);
    if (messages.length > 0 && tokens + cost > budget) break;
    tokens += cost;
    messages.push(toModelMessage(message, content));
  }
  messages.reverse();
  const leftOut = inContext.length - messages.length;
  if (summary) messages.unshift(toModelMessage(summary));
  return { messages, tokens, leftOut };
}

/** False for what only people are to see: command exchanges, and notes that a call failed. */
export const belongs = ({ extra, stopReason, errorMessage }: TranscriptMessage): boolean =>
  extra?.excludeFromContext !== true && (stopReason !== "error" || errorMessage !== undefined);

/** A transcript message as the model is given it. */
export function toModelMessage(message: TranscriptMessage, content = message.content): ModelMessage {
  const { role, extra, api, provider, model } = message;
  if (role === "user") return { role, content: withSource(message, content) };
  if (role === "assistant" && api && provider && model) return { role, content, origin: { api, provider, model } };
  if (role !== "toolResult") return { role, content };
  const { toolCallId, toolName, isError } = extra ?? {};
  return {
    role,
    content,
    ...(typeof toolCallId === "string" ? { toolCallId } : {}),
    ...(typeof toolName === "string" ? { toolName } : {}),
    ...(isError === true ? { isError } : {}),
  };
}

/**
 * What another session said stands before the model as such, not as the words of a person (KNOWN_ATTACKS 121).
 */
function withSource({ meta }: TranscriptMessage, content: TranscriptMessage["content"]): TranscriptMessage["content"] {
  const { kind, sourceSessionKey } = (meta?.provenance ?? {}) as Record<string, unknown>;
  if (kind !== "inter_session") return content;
  const note = `[Message of the session ${sourceSessionKey}; it was written by an agent, not by a person.]`;
  return typeof content === "string" ? `${note}\n${content}` : [{ type: "text", text: note }, ...content];
}

function withImages(content: string | ContentPart[], admit: () => boolean): string | ContentPart[] {
  if (typeof content === "string") return content;
  return content.map((part) =>
    part.type === "image" && !admit() ? { type: "text" as const, text: "[An older image is left out here.]" } : part,
  );
}

/** Roughly how many tokens a message has. */
export function contentTokens(content: string | ContentPart[]): number {
  if (typeof content === "string") return MESSAGE_TOKENS + textTokens(content);
  return content.reduce((sum, part) => sum + partTokens(part), MESSAGE_TOKENS);
}

/** Roughly how many tokens a request has. */
export function promptTokensOf(request: {
  system: string;
  messages: readonly ModelMessage[];
  tools?: readonly { description: string; parameters: object }[];
}): number {
  const tools = (request.tools ?? []).reduce(
    (sum, { description, parameters }) => sum + textTokens(description) + textTokens(JSON.stringify(parameters)),
    0,
  );
  return request.messages.reduce(
    (sum, { content }) => sum + contentTokens(content),
    textTokens(request.system) + tools,
  );
}

function partTokens(part: ContentPart): number {
  switch (part.type) {
    case "text":
      return textTokens(part.text);
    case "thinking":
      return textTokens(part.thinking);
    case "image":
      return IMAGE_TOKENS;
    case "toolCall":
      return textTokens(JSON.stringify(part.arguments));
  }
}
