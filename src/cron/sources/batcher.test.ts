import { expect, test } from "bun:test";
import { Batcher, type BatchRules, bounded } from "./batcher.ts";
import { LineMatch, MatchBoundError } from "./line-match.ts";

/** What comes of these pieces of output; `end` closes the last batch. */
function batches(rules: BatchRules, pieces: readonly string[]): { told: string[]; faults: string[] } {
  const [told, faults]: [string[], string[]] = [[], []];
  const batcher = new Batcher(
    rules,
    (text) => told.push(text),
    (error) => faults.push(error.message),
  );
  for (const piece of pieces) batcher.add("stdout", piece);
  batcher.end();
  return { told, faults };
}

test("lines are lines wherever the pieces are cut, and the last needs no end", () => {
  const text = "one\ntwo\r\nthrée\nlast";
  for (let cut = 0; cut <= text.length; cut++) {
    expect(batches({}, [text.slice(0, cut), text.slice(cut)]).told).toEqual(["one\ntwo\nthrée\nlast"]);
  }
});

test("both outputs have lines of their own", () => {
  const told: string[] = [];
  const batcher = new Batcher(
    {},
    (text) => told.push(text),
    () => {},
  );
  batcher.add("stdout", "o");
  batcher.add("stderr", "e");
  batcher.add("stdout", "ut\n");
  batcher.add("stderr", "rr\n");
  batcher.end();
  expect(told).toEqual(["out\nerr"]);
});

test("a batch ends by itself after some silence", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const batcher = new Batcher({ batchMs: 50 }, resolve, () => {});
  batcher.add("stdout", "a\nb\n");
  expect(await promise).toBe("a\nb");
  batcher.stop();
});

test("a full batch says that something is missing and is never longer than it may be", () => {
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index} é\n`).join("");
  const { told } = batches({ maxBatchBytes: 1024 }, [lines]);
  expect(told.length).toBeGreaterThan(3);
  for (const text of told.slice(0, -1)) expect(text).toEndWith("[truncated]");
  for (const text of told) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024);
  for (let bytes = 12; bytes < 40; bytes++) expect(bounded("é€𝄞".repeat(20), bytes)).not.toContain("\uFFFD");
});

test("only what matches counts; a line that was cut matches nothing", () => {
  const rules = { mode: "match", match: "^failed.*x$" } as const;
  expect(batches(rules, ["ok\nfailed x\nfailed y\n"]).told).toEqual(["failed x"]);
  expect(batches({ mode: "match", match: "^y*$" }, [`${"y".repeat(70_000)}\nyy\n`]).told).toEqual(["yy"]);
});

test("an expression that may take for ever ends the source and says so", () => {
  const { told, faults } = batches({ mode: "match", match: "a.*b.*c.*d.*e" }, [`${"a".repeat(60_000)}\nabcde\n`]);
  expect(told).toEqual([]);
  expect(faults).toEqual(["a line of 60000 characters is too long for the match expression"]);
  // Time that is spent counts, too.
  let now = 0;
  const match = new LineMatch("x", () => (now += 600));
  expect(match.test("x")).toBe(true);
  expect(() => match.test("x")).toThrow(MatchBoundError);
});
