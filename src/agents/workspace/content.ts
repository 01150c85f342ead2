import { extname } from "node:path";

const PICTURES: Readonly<Record<string, { type: string; starts(bytes: Buffer): boolean }>> = {
  ".png": { type: "image/png", starts: (bytes) => bytes.subarray(0, 16).toString("latin1") === `${PNG}\0\0\0\rIHDR` },
  ".jpg": { type: "image/jpeg", starts: isJpeg },
  ".jpeg": { type: "image/jpeg", starts: isJpeg },
  ".gif": { type: "image/gif", starts: (bytes) => /^GIF8[79]a$/.test(bytes.subarray(0, 6).toString("latin1")) },
  ".webp": {
    type: "image/webp",
    starts: (bytes) => /^RIFF.{4}WEBP$/s.test(bytes.subarray(0, 12).toString("latin1")),
  },
};
const PNG = "\x89PNG\r\n\x1a\n";

function isJpeg(bytes: Buffer): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** The media type of a picture that can be shown, by the name and, where bytes are given, by their beginning, too. */
export function imageType(name: string, bytes?: Buffer): string | undefined {
  const picture = PICTURES[extname(name).toLowerCase()];
  return picture && (bytes === undefined || picture.starts(bytes)) ? picture.type : undefined;
}

/** Whether the bytes are UTF-8 without zeros. */
export function isText(bytes: Buffer): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
