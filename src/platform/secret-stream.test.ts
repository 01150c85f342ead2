import { describe, expect, test } from "bun:test";
import { SecretStream } from "./secret-stream.ts";
import { SecretScanner } from "./secrets.ts";

const body = (length: number): string =>
  Array.from({ length }, (_, i) => "aB3dE5fG7hJ9kLmN0pQr"[(i * 7) % 20]).join("");
const VALUE = "known gateway secret 42";
const scanner = new SecretScanner({ values: () => [VALUE], strict: true });
const PEM = `-----BEGIN RSA PRIVATE KEY-----\n${Array.from({ length: 20 }, () => body(64)).join("\n")}\n${body(12)}==\n-----END RSA PRIVATE KEY-----`;

const TEXTS = [
  "A plain answer without anything to hide, in two sentences. Done.",
  `The key is sk-proj-${body(48)}, do not share it.`,
  `ghp_${body(36)}`,
  `Authorization: Bearer ${body(40)}\nnext line`,
  `password = "${body(24)}" and then more`,
  `It was ${VALUE}, and once more: ${VALUE}`,
  `before\n${PEM}\nafter it`,
  `one eyJ${body(30)}.eyJ${body(200)}.${body(43)} two`,
  `mixed 漢字、${"sk-ant-api03-"}${body(80)}。終わり`,
  `postgres://app:${body(20)}@db/x then ${VALUE.slice(0, 9)} only`,
];

/** Cuts the text into pieces of the given lengths, over and over. */
function pieces(text: string, lengths: readonly number[]): string[] {
  const parts: string[] = [];
  for (let at = 0, i = 0; at < text.length; i++) {
    const length = lengths[i % lengths.length]!;
    parts.push(text.slice(at, at + length));
    at += length;
  }
  return parts;
}

function stream(parts: readonly string[], maxHeld?: number): string[] {
  const masking = new SecretStream(scanner, maxHeld);
  return [...parts.map((part) => masking.push(part)), masking.end()];
}

describe("a streamed text is masked as a whole one is", () => {
  for (const text of TEXTS) {
    test.each([[[1]], [[2]], [[3, 5]], [[7]], [[1, 40]], [[64]], [[10_000]]])(
      `${JSON.stringify(text.slice(0, 40))} in pieces of %j`,
      (lengths) => {
        const out = stream(pieces(text, lengths));
        expect(out.join("")).toBe(scanner.redact(text));
      },
    );
  }
});

describe("holding back", () => {
  test("words go out as soon as they are complete", () => {
    expect(stream(["Hello ", "wor", "ld, how", " are you"])).toEqual(["Hello ", "", "world, ", "how are ", "you"]);
  });

  test("a secret beyond the bound is masked at once and its rest swallowed", () => {
    const secret = `sk-proj-${body(400)}`;
    const parts = pieces(`x ${secret} y`, [16]);
    const masking = new SecretStream(scanner, 64);
    let held = 0;
    let sent = "";
    let given = 0;
    for (const part of parts) {
      given += part.length;
      sent += masking.push(part);
      if (sent.length < 10) held = Math.max(held, given - sent.length);
    }
    sent += masking.end();
    expect(sent).toBe("x [redacted:openai-style-key] y");
    expect(held).toBeLessThanOrEqual(64 + 16);
    expect(masking.matched).toEqual(["openai-style-key"]);
  });

  test("a private key beyond the bound is masked to its end", () => {
    expect(stream(pieces(`a\n${PEM}\nb`, [11]), 256).join("")).toBe(scanner.redact(`a\n${PEM}\nb`));
  });

  test("an endless word without a secret is passed on within the bound", () => {
    const word = "a".repeat(5000);
    const out = stream(pieces(word, [100]), 256);
    expect(out.join("")).toBe(word);
    let behind = 0;
    for (const [i, part] of out.slice(0, -1).entries()) {
      behind += (i < 50 ? 100 : 0) - part.length;
      expect(behind).toBeLessThanOrEqual(256);
    }
  });
});
