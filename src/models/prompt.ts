import type { ContentPart } from "../sessions/types.ts";
import type { LanguageCall } from "./dialect.ts";
import { readSignature } from "./signature.ts";
import type { ModelMessage, ModelRequest } from "./types.ts";

type Prompt = LanguageCall["prompt"];
type AssistantPart = Extract<Prompt[number], { role: "assistant" }>["content"][number];
type UserPart = Extract<Prompt[number], { role: "user" }>["content"][number];
type ToolPart = Extract<Prompt[number], { role: "tool" }>["content"][number];
type Output = Extract<ToolPart, { type: "tool-result" }>["output"];
type ResultPart = Extract<Output, { type: "content" }>["value"][number];

/** APIs that take images as part of a tool's result; the others get them in a message behind it. */
const IMAGES_IN_RESULTS: ReadonlySet<string> = new Set([
  "anthropic-messages",
  "openai-responses",
  "google-generative-ai",
]);

/**
 * The conversation as the provider library wants it. Providers refuse a history that a page limit has cut in the
 * middle: it starts with a person's words, every tool call has its result and every result its call.
 */
export function buildPrompt(request: Pick<ModelRequest, "system" | "messages" | "model">): Prompt {
  const { model } = request;
  const prompt: Prompt = request.system ? [{ role: "system", content: request.system }] : [];
  const sees = model.input.includes("image");
  const callId = callIds(model.provider);
  let open: Map<string, string> = new Map();
  let images: UserPart[] = [];
  const settle = () => {
    const missing: Output = { type: "error-text", value: "No result was recorded for this call." };
    for (const [id, name] of open) prompt.push(toolResult(callId(id), name, missing));
    open = new Map();
    if (images.length > 0) {
      const words = { type: "text" as const, text: "The images of the tool results above:" };
      prompt.push({ role: "user", content: [words, ...images] });
    }
    images = [];
  };
  const first = request.messages.findIndex(({ role }) => role === "user");
  for (const message of first < 0 ? [] : request.messages.slice(first)) {
    if (message.role === "toolResult") {
      const id = message.toolCallId ?? "";
      const name = open.get(id);
      if (name === undefined) continue;
      open.delete(id);
      const inside = sees && IMAGES_IN_RESULTS.has(model.api);
      prompt.push(toolResult(callId(id), message.toolName ?? name, outputOf(message, inside)));
      if (sees && !inside) images.push(...partsOf(message.content).flatMap(imageOf));
      continue;
    }
    settle();
    if (message.role === "user") {
      const content = userParts(message.content, sees);
      if (content.length > 0) prompt.push({ role: "user", content });
      continue;
    }
    const content = assistantParts(message, model, callId);
    if (content.length > 0) prompt.push({ role: "assistant", content });
    for (const part of partsOf(message.content)) if (part.type === "toolCall") open.set(part.id, part.name);
  }
  settle();
  return prompt;
}

function toolResult(toolCallId: string, toolName: string, output: Output): Prompt[number] {
  return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
}

function outputOf({ content, isError }: ModelMessage, withImages: boolean): Output {
  const parts = partsOf(content);
  if (withImages && parts.some(({ type }) => type === "image")) {
    const value = parts.flatMap((part): ResultPart[] =>
      part.type === "text" ? [{ type: "text", text: part.text }] : imageOf(part),
    );
    return { type: "content", value };
  }
  const value = parts
    .map((part) => (part.type === "text" ? part.text : part.type === "image" ? `[image ${part.mimeType}]` : ""))
    .filter((text) => text !== "")
    .join("\n");
  return { type: isError ? "error-text" : "text", value };
}

function userParts(content: ModelMessage["content"], sees: boolean): UserPart[] {
  return partsOf(content).flatMap((part): UserPart[] => {
    if (part.type === "text") return part.text === "" ? [] : [{ type: "text", text: part.text }];
    if (part.type !== "image") return [];
    if (!sees) return [{ type: "text", text: "[An image was sent here; this model reads text only.]" }];
    return imageOf(part);
  });
}

const imageOf = (part: ContentPart) =>
  part.type === "image"
    ? [{ type: "file" as const, mediaType: part.mimeType, data: { type: "data" as const, data: part.data } }]
    : [];

/** What a model said before. Its thoughts, and marks of them, go back to the model that had them alone. */
function assistantParts(
  { content, origin }: ModelMessage,
  model: ModelRequest["model"],
  callId: (id: string) => string,
): AssistantPart[] {
  const own = origin?.api === model.api && origin.provider === model.provider && origin.model === model.id;
  return partsOf(content).flatMap((part): AssistantPart[] => {
    switch (part.type) {
      case "text":
        return part.text === "" ? [] : [{ type: "text", text: part.text }];
      case "toolCall": {
        const { thoughtSignature } = part;
        const call = {
          type: "tool-call" as const,
          toolCallId: callId(part.id),
          toolName: part.name,
          input: part.arguments,
        };
        return [own && thoughtSignature ? { ...call, providerOptions: { google: { thoughtSignature } } } : call];
      }
      case "thinking": {
        const providerOptions = own ? readSignature(model.api, part.thinkingSignature) : undefined;
        return providerOptions ? [{ type: "reasoning", text: part.thinking, providerOptions }] : [];
      }
      default:
        return [];
    }
  });
}

/**
 * Call ids as a provider takes them: a conversation may have been begun with another one, whose ids are longer or
 * have other characters. Mistral wants nine letters or digits.
 */
function callIds(provider: string): (id: string) => string {
  const short = (id: string) => Bun.hash(id).toString(36).padStart(9, "0").slice(-9);
  if (provider === "mistral") return (id) => (/^[a-zA-Z0-9]{9}$/.test(id) ? id : short(id));
  return (id) => (/^[\w-]{1,64}$/.test(id) ? id : `call_${short(id)}`);
}

const partsOf = (content: ModelMessage["content"]): ContentPart[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

/**
 * Marks up to where Anthropic may keep the prompt for the next call: behind the system prompt, which holds the tools
 * too, and behind the newest message.
 * @param retention `short` for five minutes, `long` for an hour, `none`
 */
export function markCache(prompt: Prompt, retention: unknown): Prompt {
  if (retention === "none") return prompt;
  const cacheControl = { type: "ephemeral", ...(retention === "long" ? { ttl: "1h" } : {}) };
  const last = prompt.length - 1;
  return prompt.map((message, index) =>
    message.role === "system" || index === last
      ? ({ ...message, providerOptions: { anthropic: { cacheControl } } } as Prompt[number])
      : message,
  );
}
