import { expect, test } from "bun:test";
import { keyBytes, pasted } from "./keys.ts";

const sent = (...keys: string[]): string => Buffer.from(keyBytes({ keys }).bytes).toString();

test.each<[string, string]>([
  ["Enter", "\r"],
  ["C-c", "\x03"],
  ["c-C", "c-C"],
  ["C-[", "\x1b"],
  ["^D", "\x04"],
  ["C-Space", "\0"],
  ["M-x", "\x1bx"],
  ["C-M-a", "\x1b\x01"],
  ["Up", "\x1b[A"],
  ["C-Up", "\x1b[1;5A"],
  ["S-Tab", "\x1b[Z"],
  ["S-F5", "\x1b[15;2~"],
  ["PageDown", "\x1b[6~"],
  ["hello", "hello"],
  ["C-hello", "C-hello"],
  ["é", "é"],
])("%s", (key, bytes) => expect(sent(key)).toBe(bytes));

test("are sent behind text and bytes", () => {
  const { bytes, warnings } = keyBytes({ keys: ["Enter"], hex: ["c3", "0xA9", "1ff", ""], literal: "é" });
  expect(Buffer.from(bytes).toString()).toBe("éé\r");
  expect(warnings).toEqual(["Invalid hex byte: 1ff", "Invalid hex byte: "]);
});

test("pasted text cannot end its own brackets", () => {
  expect(pasted("a\x1b[201~rm -rf /\r", true)).toBe("\x1b[200~arm -rf /\r\x1b[201~");
  expect(pasted("a", false)).toBe("a");
});
