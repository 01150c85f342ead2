import { expect, test } from "bun:test";
import { chunksOf } from "./chunks.ts";

test("a short text is one piece with all its lines, as upstream counts them", () => {
  const text = "# Notes\n\nrouter password hint: blue door\n";
  expect(chunksOf(text)).toEqual([{ startLine: 1, endLine: 4, text }]);
  expect(chunksOf("")).toEqual([]);
  expect(chunksOf("\n \n---\n")).toEqual([]);
});

test("a long text is cut at lines, each piece begins with the end of the one before, and nothing is lost", () => {
  const lines = Array.from(
    { length: 400 },
    (_, at) => `line ${at + 1} about the garden and its tomato number ${at + 1}`,
  );
  const chunks = chunksOf(lines.join("\n"));
  expect(chunks.length).toBeGreaterThan(10);
  for (const [at, { startLine, endLine, text }] of chunks.entries()) {
    expect(text.length).toBeLessThanOrEqual(1600);
    expect(text).toBe(lines.slice(startLine - 1, endLine).join("\n"));
    if (at > 0) expect(startLine).toBeLessThanOrEqual(chunks[at - 1]!.endLine);
    if (at > 0) expect(startLine).toBeGreaterThan(chunks[at - 1]!.startLine);
  }
  expect(chunks.at(-1)!.endLine).toBe(400);
});

test("a line longer than a piece becomes several of the same line, cut between characters", () => {
  const chunks = chunksOf(`first\n${"🙂".repeat(3000)}\nlast`);
  expect(chunks.map(({ text }) => text).join("")).not.toContain("\ufffd");
  expect(chunks.every(({ text }) => text.length <= 1600 && text.isWellFormed())).toBe(true);
  expect(chunks.at(-1)!.endLine).toBe(3);
});
