import type { LanguageCall } from "../dialect.ts";

/** A message as `/api/chat` takes it. */
export interface OllamaMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string;
  thinking?: string;
  /** Base64. */
  images?: string[];
  tool_calls?: { function: { name: string; arguments: unknown } }[];
  tool_name?: string;
}

/** The conversation as Ollama wants it. */
export function ollamaMessages(prompt: LanguageCall["prompt"]): OllamaMessage[] {
  return prompt.flatMap(messagesOf);
}

function messagesOf(message: LanguageCall["prompt"][number]): OllamaMessage[] {
  if (message.role === "system") return [{ role: "system", content: message.content }];
  if (message.role === "tool") {
    return message.content.flatMap((part) =>
      part.type === "tool-result"
        ? [{ role: "tool" as const, tool_name: part.toolName, content: outputText(part.output) }]
        : [],
    );
  }
  const content = textsOf(message.content);
  if (message.role === "user") {
    const images = message.content.flatMap((part) => (part.type === "file" ? base64Of(part) : []));
    return [{ role: "user", content, ...(images.length > 0 ? { images } : {}) }];
  }
  const calls = message.content.flatMap((part) =>
    part.type === "tool-call" ? [{ function: { name: part.toolName, arguments: part.input } }] : [],
  );
  return [{ role: "assistant", content, ...(calls.length > 0 ? { tool_calls: calls } : {}) }];
}

const textsOf = (content: readonly { type: string; text?: string }[]): string =>
  content.flatMap((part) => (part.type === "text" && part.text ? [part.text] : [])).join("\n");

function base64Of(part: { data: unknown }): string[] {
  const { data } = part.data as { data?: unknown };
  if (typeof data === "string") return [data];
  return data instanceof Uint8Array ? [Buffer.from(data).toString("base64")] : [];
}

const outputText = (output: { type: string; value?: unknown }): string =>
  typeof output.value === "string" ? output.value : JSON.stringify(output.value ?? "");
