import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { imagesOf } from "./attachments.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const png = (content: unknown = PNG, more: object = {}) => ({
  type: "image",
  mimeType: "image/png",
  fileName: "a.png",
  content,
  ...more,
});
/** Base64 text that stands for about so many bytes. */
const base64Of = (bytes: number): string => "A".repeat(Math.ceil(bytes / 3) * 4);

describe("attachments", () => {
  test("are images by what their bytes say, whatever they are called", () => {
    expect(imagesOf([png(PNG, { mimeType: "text/html", fileName: "x.html" })])).toEqual([
      { type: "image", data: PNG, mimeType: "image/png" },
    ]);
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0]).toString("base64");
    expect(imagesOf([png(jpeg)])[0]!.mimeType).toBe("image/jpeg");
    const webp = Buffer.from("RIFF\0\0\0\0WEBPVP8 ").toString("base64");
    expect(imagesOf([png(webp)])[0]!.mimeType).toBe("image/webp");
  });

  test("may come as data URLs", () => {
    expect(imagesOf([png(`data:image/png;base64,${PNG}`)])).toHaveLength(1);
  });

  test("without content count as none", () => {
    expect(imagesOf([{}, null, 5, { content: 5 }, { content: "" }])).toEqual([]);
  });

  test("that are no image are refused by name", () => {
    const text = Buffer.from("hello text").toString("base64");
    expect(() => imagesOf([png(text, { fileName: "../../a.txt" })])).toThrow(
      "attachment a.txt: only images can be attached (PNG, JPEG, GIF, WebP)",
    );
  });

  test.each(["!!!not base64", "AAAAA", "AA=A", "AAAA AAAA"])("that are not base64 are refused: %s", (content) => {
    expect(() => imagesOf([png(content)])).toThrow("attachment a.png: invalid base64 content");
  });

  test("KNOWN_ATTACKS 116: too large ones are refused by their length, before anything is decoded", () => {
    const huge = base64Of(LIMITS.imageMaxBytes + 3).replace(/^A/, "!");
    expect(() => imagesOf([png(huge)])).toThrow(/image exceeds size limit \(\d+ > 6291456 bytes\)/);
    const large = PNG.slice(0, 32) + base64Of(5_000_000);
    expect(() => imagesOf(Array.from({ length: 4 }, () => png(large)))).toThrow(/attachments exceed size limit/);
    expect(() => imagesOf(Array.from({ length: 21 }, () => png()))).toThrow("too many attachments (21 > 20)");
  });

  test("KNOWN_ATTACKS 65: paths and addresses in an attachment are not followed", () => {
    const path = "/etc/passwd";
    expect(imagesOf([{ type: "image", path, filePath: path, mediaUrl: `file://${path}`, url: path }])).toEqual([]);
    expect(() => imagesOf([png(`file://${path}`)])).toThrow("invalid base64 content");
  });
});
