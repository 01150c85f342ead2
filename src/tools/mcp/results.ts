import { wrapExternal } from "../../defender/external-content.ts";
import { dict, text } from "../../models/settings.ts";
import type { ToolResult } from "../types.ts";

type Part = ToolResult["content"][number];

/** Pictures that models take. */
const PICTURES = /^image\/(?:png|jpeg|gif|webp)$/;

/** A result of a server's tool as agents get it: every word marked as a stranger's. */
export function resultOf(answer: Readonly<Record<string, unknown>>, server: string, tool: string): ToolResult {
  const parts = list(answer.content).map(partOf);
  const { structuredContent, isError } = answer;
  // Servers repeat structured results as text; where they do not, this is the result.
  if (parts.length === 0 && structuredContent !== undefined)
    parts.push(said(JSON.stringify(structuredContent, null, 2)));
  return {
    content: marked(parts.length === 0 ? [said("(no content)")] : parts, server),
    details: { mcpServer: server, mcpTool: tool, ...(isError === true ? { status: "error" } : {}) },
    ...(isError === true ? { isError } : {}),
  };
}

/** What a server says of its prompts or resources, as JSON. */
export const listing = (value: unknown, server: string, tool: string): ToolResult => ({
  content: marked([said(JSON.stringify(value, null, 2))], server),
  details: { mcpServer: server, mcpTool: tool },
});

/** The contents of a resource. */
export function resourceOf(answer: Readonly<Record<string, unknown>>, server: string): ToolResult {
  const parts = list(answer.contents).map((resource) => partOf({ type: "resource", resource }));
  return {
    content: marked(parts.length === 0 ? [said("(no content)")] : parts, server),
    details: { mcpServer: server, mcpTool: "resources_read" },
  };
}

/** The messages of a prompt, each with the role it is meant for. */
export function promptOf(answer: Readonly<Record<string, unknown>>, server: string): ToolResult {
  const description = text(answer.description);
  const messages = list(answer.messages).flatMap((message): Part[] => {
    const part = partOf(dict(message.content));
    return part.type === "text"
      ? [said(`${message.role === "assistant" ? "assistant" : "user"}: ${part.text}`)]
      : [part];
  });
  const parts = [...(description ? [said(description)] : []), ...messages];
  return { content: marked(parts, server), details: { mcpServer: server, mcpTool: "prompts_get" } };
}

function partOf({ type, text: words, data, mimeType, resource, uri, name }: Record<string, unknown>): Part {
  const mime = typeof mimeType === "string" ? mimeType : "";
  if (type === "text" && typeof words === "string") return said(words);
  if (type === "image" && typeof data === "string" && PICTURES.test(mime))
    return { type: "image", data, mimeType: mime };
  if (type === "resource_link") return said(`Resource ${String(name ?? "")}: ${String(uri)}`);
  if (type !== "resource") return said(`[Content of a kind that cannot be shown: ${String(type)} ${mime}]`);
  const inner = dict(resource);
  const kind = String(inner.mimeType ?? "");
  if (typeof inner.text === "string") return said(inner.text);
  if (typeof inner.blob === "string" && PICTURES.test(kind)) return { type: "image", data: inner.blob, mimeType: kind };
  return said(`[Resource ${String(inner.uri)} is no text: ${kind || "unknown kind"}]`);
}

/** All texts as one, between marks; pictures behind it. */
function marked(parts: readonly Part[], server: string): Part[] {
  const words = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const pictures = parts.filter((part) => part.type === "image");
  if (words.length === 0) return pictures;
  return [said(wrapExternal(words.join("\n\n"), { source: "MCP Server", task: server })), ...pictures];
}

const said = (words: string): Part => ({ type: "text", text: words });

const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(dict) : []);
