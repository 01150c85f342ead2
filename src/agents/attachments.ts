import { LIMITS } from "../../generated/limits.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { ContentPart } from "../sessions/types.ts";

type ImagePart = Extract<ContentPart, { type: "image" }>;

/** The beginnings of the image formats that models take. */
const SIGNATURES: readonly { mimeType: string; matches(head: Buffer): boolean }[] = [
  { mimeType: "image/png", matches: (head) => head.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1")) },
  { mimeType: "image/jpeg", matches: (head) => head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff },
  { mimeType: "image/gif", matches: (head) => /^GIF8[79]a/.test(head.toString("latin1")) },
  { mimeType: "image/webp", matches: (head) => /^RIFF[\s\S]{4}WEBP/.test(head.toString("latin1")) },
];

/**
 * The images among a message's attachments. Entries without content count as none, as upstream has it. Sizes are
 * estimated from the text before anything is decoded (KNOWN_ATTACKS 116), and an image is what its bytes say it is:
 * neither its name nor its declared type is believed, and no path or address in it is followed (KNOWN_ATTACKS 65).
 * @throws GatewayError for what is too large, not base64, or no image
 */
export function imagesOf(attachments: readonly unknown[]): ImagePart[] {
  const given = attachments.flatMap((entry, index) => fieldsOf(entry, index) ?? []);
  if (given.length > LIMITS.attachmentsPerMessage) {
    throw invalidRequest(`too many attachments (${given.length} > ${LIMITS.attachmentsPerMessage})`);
  }
  let total = 0;
  for (const { name, base64 } of given) {
    const bytes = decodedBytes(base64);
    total += bytes;
    if (bytes > LIMITS.imageMaxBytes) {
      throw invalidRequest(`attachment ${name}: image exceeds size limit (${bytes} > ${LIMITS.imageMaxBytes} bytes)`);
    }
    if (total > LIMITS.attachmentMaxBytes) {
      throw invalidRequest(`attachments exceed size limit (${total} > ${LIMITS.attachmentMaxBytes} bytes)`);
    }
  }
  return given.map(({ name, base64 }) => image(name, base64));
}

function fieldsOf(entry: unknown, index: number): { name: string; base64: string } | null {
  if (typeof entry !== "object" || entry === null) return null;
  const { content, fileName } = entry as { content?: unknown; fileName?: unknown };
  if (typeof content !== "string" || content === "") return null;
  const name = typeof fileName === "string" && fileName !== "" ? lastName(fileName) : `attachment ${index + 1}`;
  const comma = content.startsWith("data:") ? content.indexOf(",") : -1;
  return { name, base64: content.slice(comma + 1) };
}

/** The last part of a path, short and on one line, for messages. */
const lastName = (path: string): string =>
  path
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\p{Cc}/gu, "")
    .slice(0, 100);

/** How many bytes base64 text stands for. */
function decodedBytes(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}

function image(name: string, base64: string): ImagePart {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 === 1) {
    throw invalidRequest(`attachment ${name}: invalid base64 content`);
  }
  const head = Buffer.from(base64.slice(0, 32), "base64");
  const format = SIGNATURES.find(({ matches }) => matches(head));
  if (!format) {
    throw invalidRequest(`attachment ${name}: only images can be attached (PNG, JPEG, GIF, WebP)`);
  }
  return { type: "image", data: base64, mimeType: format.mimeType };
}
