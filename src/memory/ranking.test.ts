import { describe, expect, test } from "bun:test";
import { type Candidate, goodEnough, queryWords, ranked } from "./ranking.ts";

const NOW = Date.parse("2026-11-25T00:00:00Z");
let ids = 0;
const piece = (path: string, text: string, more: Partial<Candidate> = {}): Candidate => ({
  ...{
    id: ++ids,
    path,
    text,
    startLine: 1,
    endLine: 1,
    source: "memory",
    sessionKey: null,
    isExtra: false,
    mtime: NOW,
  },
  ...more,
});
const order = (candidates: Candidate[], query: string, isHybrid = true) =>
  ranked(candidates, queryWords(query, 10), { isHybrid, now: NOW });

describe("ranking", () => {
  test("weighs meaning by 0.7 and words by 0.3, as measured from upstream", () => {
    const [both, near] = order(
      [piece("a.md", "router firmware", { nearness: 0.22645, rank: 2 }), piece("b.md", "x", { nearness: 0.57735 })],
      "router firmware",
    );
    expect(both!.score).toBeCloseTo(0.45851, 4);
    expect(near!.score).toBeCloseTo(0.40414, 4);
    expect(near!.textScore).toBe(0);
    expect(both!.textScore).toBeCloseTo(2 / 3, 6);
  });

  test("a dated note counts half after thirty days, MEMORY.md never less", () => {
    const [whole, half] = order(
      [
        piece("memory/2026-10-26.md", "coffee", { nearness: 1, rank: 3 }),
        piece("MEMORY.md", "coffee", { nearness: 1, rank: 3 }),
      ],
      "coffee",
    );
    expect([whole!.path, whole!.score]).toEqual(["MEMORY.md", 1]);
    expect(half!.score).toBeCloseTo(0.5, 6);
    const [slug] = order([piece("memory/deep/2026-10-26-trip.md", "coffee", { nearness: 1, rank: 3 })], "coffee");
    expect(slug!.score).toBeCloseTo(0.5, 6);
  });

  test("a file that is called as the query comes first", () => {
    const [first] = order(
      [piece("memory/router.md", "hint", { nearness: 0.1 }), piece("x.md", "router", { nearness: 0.9, rank: 5 })],
      "router",
    );
    expect([first!.path, first!.score]).toEqual(["memory/router.md", 1]);
  });

  test("does not say the same twice before something else, and leaves the scores", () => {
    const same = "the kitchen router is blue";
    const found = order(
      [
        piece("a.md", same, { nearness: 0.9 }),
        piece("b.md", same, { nearness: 0.89 }),
        piece("c.md", "the cellar has another one", { nearness: 0.8 }),
      ],
      "router",
    );
    expect(found.map(({ path }) => path)).toEqual(["a.md", "c.md", "b.md"]);
    expect(found[2]!.score).toBeGreaterThan(found[1]!.score);
  });

  test("what holds the words is kept where nothing is good enough; what is only near is not", () => {
    const found = order([piece("a.md", "coffee", { rank: 1 }), piece("b.md", "tea", { nearness: 0.2 })], "coffee");
    expect(goodEnough(found, 0.9, 6).map(({ path }) => path)).toEqual(["a.md"]);
    expect(goodEnough(found, 0, 1)).toHaveLength(1);
  });

  test("words that say nothing are left out unless there are no others", () => {
    expect(queryWords("Where is the router of our Café?", 10)).toEqual(["router", "cafe"]);
    expect(queryWords("the of", 10)).toEqual(["the", "of"]);
  });
});
