import type { ToolResult } from "./types.ts";

/** Bounds of a result; values and reasons in `spec/chela/limits.yaml`. */
export interface ResultLimits {
  toolResultChars: number;
  toolResultImages: number;
  toolImageChars: number;
  toolDetailsChars: number;
}

/** The share of a cut text that is kept of its end, where commands say how they ended. */
const TAIL_SHARE = 0.3;

/** A failure as models and clients are told it. */
export function failedResult(tool: string, error: string): ToolResult {
  const details = { status: "error", tool, error };
  return { content: [{ type: "text", text: JSON.stringify(details, null, 2) }], details, isError: true };
}

/** A failure before the tool began. */
export const refusedResult = (text: string): ToolResult => ({
  content: [{ type: "text", text }],
  details: {},
  isError: true,
});

/**
 * The result within its bounds: long texts lose their middle, images beyond the number or the size are named instead,
 * and details that are too long are left out.
 */
export function boundedResult(result: ToolResult, limits: ResultLimits): ToolResult {
  let chars = limits.toolResultChars;
  let images = limits.toolResultImages;
  const content = result.content.map((part): ToolResult["content"][number] => {
    if (part.type === "image") {
      const fits = images-- > 0 && part.data.length <= limits.toolImageChars;
      return fits ? part : { type: "text", text: `[An image (${part.mimeType}) is left out: too large or too many.]` };
    }
    const text = cut(part.text, Math.max(0, chars));
    chars -= text.length;
    return { type: "text", text };
  });
  const { details, isError } = result;
  const isShort = details === undefined || JSON.stringify(details).length <= limits.toolDetailsChars;
  return {
    content,
    ...(details === undefined ? {} : { details: isShort ? details : { truncated: true } }),
    ...(isError ? { isError } : {}),
  };
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor(most * TAIL_SHARE);
  const left = text.length - most;
  const head = text.slice(0, most - tail).replace(/[\ud800-\udbff]$/, "");
  const end = tail === 0 ? "" : text.slice(-tail).replace(/^[\udc00-\udfff]/, "");
  return `${head}\n[... ${left} characters are left out here ...]\n${end}`;
}

/** Every text in a JSON value, changed. Keys stay as they are. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)])) as T;
}
