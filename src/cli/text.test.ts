import { expect, test } from "bun:test";
import { ago, every, printable, table } from "./text.ts";

test("ages are told in the largest whole unit", () => {
  const minute = 60_000;
  const ages = [0, 59_999, minute, 59 * minute, 60 * minute, 26 * 60 * minute].map(ago);
  expect(ages).toEqual(["just now", "just now", "1m ago", "59m ago", "1h ago", "1d ago"]);
});

test("intervals lose nothing", () => {
  expect([86_400_000, 1_800_000, 90 * 60_000, 45_000, 61_000, 1500].map(every)).toEqual([
    "1d",
    "30m",
    "90m",
    "45s",
    "61s",
    "1.5s",
  ]);
});

test("a table keeps its columns", () => {
  expect(
    table(
      ["A", "Long"],
      [
        ["wide cell", "b"],
        ["c", ""],
      ],
    ),
  ).toEqual(["A          Long", "wide cell  b", "c"]);
});

test("control characters of others do not reach the terminal", () => {
  expect(printable("a\u001b[2Jb\u0007\u009b\r\n\tc")).toBe("a\\x1b[2Jb\\x07\\x9b\\x0d\n\tc");
});
