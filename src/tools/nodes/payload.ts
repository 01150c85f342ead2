import { pictureType } from "../files/pictures.ts";
import { jsonResult, type ToolResult } from "../types.ts";

/** Pictures of one answer that are shown; the rest is named. */
const MOST_PICTURES = 4;
/** A shorter text is no picture. */
const LEAST_CHARS = 64;

/** What a node answered: its pictures as pictures, everything else as JSON. */
export function shownPayload(call: { nodeId: string; command: string }, payload: unknown): ToolResult {
  const images: Extract<ToolResult["content"][number], { type: "image" }>[] = [];
  const withoutPictures = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutPictures);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const mimeType = key === "base64" && typeof item === "string" ? typeOf(item) : undefined;
        if (mimeType === undefined) return [key, withoutPictures(item)];
        if (images.length < MOST_PICTURES) images.push({ type: "image", data: item as string, mimeType });
        return [key, `[picture, ${mimeType}]`];
      }),
    );
  };
  const shown = jsonResult({ ok: true, ...call, payload: withoutPictures(payload) ?? null });
  return { ...shown, content: [...shown.content, ...images] };
}

const typeOf = (base64: string): string | undefined =>
  base64.length < LEAST_CHARS ? undefined : pictureType(Buffer.from(base64.slice(0, LEAST_CHARS), "base64"));
