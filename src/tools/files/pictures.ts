/** The media type of a picture that models can be shown, by its first bytes. */
export function pictureType(head: Buffer): string | undefined {
  const text = head.subarray(0, 16).toString("latin1");
  if (text === "\x89PNG\r\n\x1a\n\0\0\0\rIHDR") return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (/^GIF8[79]a/.test(text)) return "image/gif";
  if (/^RIFF.{4}WEBP/s.test(text)) return "image/webp";
  // The size of the header that follows tells a bitmap from a text that begins with "BM".
  if (text.startsWith("BM") && head.length >= 18 && [12, 40, 108, 124].includes(head.readUInt32LE(14)))
    return "image/bmp";
  return undefined;
}
