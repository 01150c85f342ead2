import { describe, expect, test } from "bun:test";
import { refuseRedacted, takeBack } from "./give-back.ts";
import { REDACTED } from "./redact.ts";

const back = (given: unknown, shown: unknown, written: unknown, keepsDefaults = false): unknown =>
  takeBack(given, { views: [shown], written }, keepsDefaults);

describe("attack 40: what is given back as it was shown", () => {
  test("stands for what is written: secrets, references, defaults", () => {
    const shown = { a: { key: REDACTED, ref: "value" }, b: "default" };
    const written = { a: { key: "sesame", ref: "${REF}" } };
    expect(back(shown, shown, written)).toEqual(written);
    expect(back({ ...shown, a: { ...shown.a, more: 1 } }, shown, written)).toEqual({ a: { ...written.a, more: 1 } });
    expect(back({ b: "default" }, shown, written, true)).toEqual({ b: "default" });
    expect(back({ b: "other" }, shown, written)).toEqual({ b: "other" });
  });

  test("in a list is found by its id, or where it was shown", () => {
    const shown = [
      { id: "x", key: REDACTED },
      { id: "y", key: REDACTED },
    ];
    const written = [
      { id: "x", key: "of x" },
      { id: "y", key: "of y" },
    ];
    expect(back([{ ...shown[1], more: 1 }, { id: "z" }], shown, written)).toEqual([
      { id: "y", key: "of y", more: 1 },
      { id: "z" },
    ]);
    expect(back(["new", "b", "a"], ["a", "b"], ["${A}", "${B}"])).toEqual(["new", "${B}", "${A}"]);
  });

  test("in a list is never taken for another secret", () => {
    const given = back([REDACTED], [REDACTED, REDACTED], ["one", "two"]);
    expect(given).toEqual([REDACTED]);
    expect(() => refuseRedacted({ tools: { deny: given } })).toThrow("is not valid config data");
    expect(back([REDACTED, REDACTED], [REDACTED, REDACTED], ["one", "two"])).toEqual(["one", "two"]);
  });
});
