import { describe, expect, test } from "bun:test";
import { lostLists, mergePatch } from "./merge-patch.ts";

const merge = (base: unknown, patch: unknown, ...replaced: string[]): unknown =>
  mergePatch(base, patch, new Set(replaced));

describe("a merge patch", () => {
  test("merges objects, removes with null, replaces the rest", () => {
    expect(merge({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: null, e: { f: null, g: 1 } }, d: [2] })).toEqual({
      a: { c: 2, e: { g: 1 } },
      d: [2],
    });
  });

  test("merges lists of objects by id, unless told to replace them", () => {
    const base = { l: [{ id: "x", a: 1 }, { id: "y" }] };
    expect(merge(base, { l: [{ id: "y", b: 2 }, { id: "z" }] })).toEqual({
      l: [{ id: "x", a: 1 }, { id: "y", b: 2 }, { id: "z" }],
    });
    expect(merge(base, { l: [] })).toEqual(base);
    expect(merge(base, { l: [{ id: "z" }] }, "l")).toEqual({ l: [{ id: "z" }] });
  });
});

describe("lost lists", () => {
  test("are those that go, and those that lose an element", () => {
    expect(lostLists({ a: ["x", "y"] }, { a: ["y", "x", "z"] })).toEqual([]);
    expect(lostLists({ a: ["x", "x"] }, { a: ["x"] })).toEqual(["a"]);
    expect(lostLists({ a: { b: [], c: [{ id: "1", d: [1] }] } }, {})).toEqual(["a.b", "a.c"]);
  });

  test("within elements with an id are named by brackets", () => {
    expect(lostLists({ m: [{ id: "1", input: ["text"] }] }, { m: [{ id: "1", input: ["image"] }] })).toEqual([
      "m[].input",
    ]);
  });
});
