import type { ContentPart } from "../sessions/types.ts";
import type { LanguageCall } from "./dialect.ts";
import type { ModelMessage, ModelRequest } from "./types.ts";

type Prompt = LanguageCall["prompt"];
type AssistantPart = Extract<Prompt[number], { role: "assistant" }>["content"][number];
type UserPart = Extract<Prompt[number], { role: "user" }>["content"][number];
type ToolPart = Extract<Prompt[number], { role: "tool" }>["content"][number];

/**
 * The conversation as the provider library wants it. Providers refuse a history that a page limit has cut in the
 * middle: it starts with a person's words, every tool call has its result and every result its call.
 */
export function buildPrompt(request: Pick<ModelRequest, "system" | "messages" | "model">): Prompt {
  const prompt: Prompt = request.system ? [{ role: "system", content: request.system }] : [];
  const sees = request.model.input.includes("image");
  let open: Map<string, string> = new Map();
  const settle = () => {
    for (const [id, name] of open) prompt.push(toolResult(id, name, "No result was recorded for this call.", true));
    open = new Map();
  };
  const first = request.messages.findIndex(({ role }) => role === "user");
  for (const message of first < 0 ? [] : request.messages.slice(first)) {
    if (message.role === "toolResult") {
      const id = message.toolCallId ?? "";
      const name = open.get(id);
      if (name === undefined) continue;
      open.delete(id);
      prompt.push(toolResult(id, message.toolName ?? name, plainText(message.content), message.isError ?? false));
      continue;
    }
    settle();
    if (message.role === "user") {
      const content = userParts(message.content, sees);
      if (content.length > 0) prompt.push({ role: "user", content });
      continue;
    }
    const content = assistantParts(message.content, request.model.api);
    if (content.length > 0) prompt.push({ role: "assistant", content });
    for (const part of content) if (part.type === "tool-call") open.set(part.toolCallId, part.toolName);
  }
  settle();
  return prompt;
}

function toolResult(toolCallId: string, toolName: string, value: string, isError: boolean): Prompt[number] {
  const part: ToolPart = {
    type: "tool-result",
    toolCallId,
    toolName,
    output: { type: isError ? "error-text" : "text", value },
  };
  return { role: "tool", content: [part] };
}

function userParts(content: ModelMessage["content"], sees: boolean): UserPart[] {
  return partsOf(content).flatMap((part): UserPart[] => {
    if (part.type === "text") return part.text === "" ? [] : [{ type: "text", text: part.text }];
    if (part.type !== "image") return [];
    if (!sees) return [{ type: "text", text: "[An image was sent here; this model reads text only.]" }];
    return [{ type: "file", mediaType: part.mimeType, data: { type: "data", data: part.data } }];
  });
}

function assistantParts(content: ModelMessage["content"], api: string): AssistantPart[] {
  return partsOf(content).flatMap((part): AssistantPart[] => {
    switch (part.type) {
      case "text":
        return part.text === "" ? [] : [{ type: "text", text: part.text }];
      case "toolCall":
        return [{ type: "tool-call", toolCallId: part.id, toolName: part.name, input: part.arguments }];
      case "thinking": {
        // Only Anthropic takes thoughts back, and only signed ones.
        if (api !== "anthropic-messages" || !part.thinkingSignature) return [];
        const providerOptions = { anthropic: { signature: part.thinkingSignature } };
        return [{ type: "reasoning", text: part.thinking, providerOptions }];
      }
      default:
        return [];
    }
  });
}

const partsOf = (content: ModelMessage["content"]): ContentPart[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

function plainText(content: ModelMessage["content"]): string {
  return partsOf(content)
    .map((part) => (part.type === "text" ? part.text : part.type === "image" ? `[image ${part.mimeType}]` : ""))
    .filter((text) => text !== "")
    .join("\n");
}
