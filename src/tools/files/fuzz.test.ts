import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ToolError } from "../types.ts";
import { showDiff } from "./diff.ts";
import { ToolBench } from "./testing.ts";
import { decode, encode } from "./text.ts";

/** A generator of numbers from 0 up to 1 that gives the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const PIECES = [
  "*** Begin Patch",
  "*** End Patch",
  "*** Add File: ",
  "*** Add File: n.txt",
  "*** Add File: ../x",
  "*** Update File: a.txt",
  "*** Update File: way-out/secret.txt",
  "*** Delete File: a.txt",
  "*** Delete File: way-out",
  "*** Move to: ../../x",
  "*** Move to: b.txt",
  "*** End of File",
  "@@",
  "@@ one",
  " one",
  "-one",
  "+one",
  "-two",
  "+\u0000",
  "",
  " ",
  "<<EOF",
  "EOF",
  "\ud800",
];
const PATHS = [
  "a.txt",
  "../x",
  "/",
  "",
  "~",
  "~/x",
  "@",
  "@/x",
  "file://",
  "file:///%00",
  "way-out/x",
  "a/../..",
  "\0",
  "a\nb",
];
const VALUES = [undefined, null, 0, -1, 1e9, "", "one", [], {}, true, "x".repeat(5000)];

describe("fuzzed calls", () => {
  test("patches end in a ToolError or in changes inside", async () => {
    using bench = new ToolBench();
    symlinkSync(bench.outside, bench.at("way-out"));
    const random = seeded(7);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    for (let round = 0; round < 1500; round++) {
      if (round % 10 === 0) bench.put("a.txt", "one\ntwo\none\n");
      const body = Array.from({ length: 1 + Math.floor(random() * 8) }, () => pick(PIECES));
      const lines = random() < 0.8 ? ["*** Begin Patch", ...body, "*** End Patch"] : body;
      await expectTold(bench.run("apply_patch", { input: lines.join(random() < 0.9 ? "\n" : "\r\n") }));
    }
    expectUntouched(bench);
  });

  test("arguments of every kind end in a ToolError or in a result", async () => {
    using bench = new ToolBench({ "a.txt": "one\ntwo\n" });
    symlinkSync(bench.outside, bench.at("way-out"));
    const random = seeded(11);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    const number = () => pick([1, 2, 3, 1e9, 2 ** 31, 2 ** 53]);
    for (let round = 0; round < 1500; round++) {
      const path = pick(PATHS);
      const name = pick(["read", "ls", "write", "edit"]);
      const edits = Array.from({ length: Math.floor(random() * 3) }, () => ({
        oldText: String(pick(VALUES)),
        newText: String(pick(VALUES)),
      }));
      const args: Record<string, object> = {
        read: { path, offset: number(), limit: number(), cursor: number() },
        ls: { path, limit: number(), after: String(pick(VALUES)) },
        write: { path, content: String(pick(VALUES)) },
        edit: { path, edits },
      };
      await expectTold(bench.run(name, args[name] as Record<string, unknown>));
    }
    expectUntouched(bench);
  });

  test("a text keeps its bytes through decoding, and a difference shows every changed line", () => {
    const random = seeded(13);
    const line = () => ["a", "b", "c", "", "{", "}"][Math.floor(random() * 6)]!;
    const text = () =>
      Array.from({ length: Math.floor(random() * 12) }, () => line() + (random() < 0.3 ? "\r\n" : "\n")).join("");
    for (let round = 0; round < 2000; round++) {
      const [before, after] = [text(), text()];
      expect(Buffer.from(encode(decode(Buffer.from(before), "x"), [])).toString()).toBe(before);
      const [old, now] = [before.replaceAll("\r", ""), after.replaceAll("\r", "")];
      expect(applied(old, showDiff(old, now, 1e6))).toBe(now);
    }
  });
});

/** The new text that a shown difference makes of an old one. */
function applied(old: string, diff: string): string {
  const lines = old.split("\n").slice(0, -1);
  const out: string[] = [];
  let at = 0;
  for (const row of diff === "" ? [] : diff.split("\n")) {
    const [, sign, number, text] = /^([ +-]) *(\d+|\.\.\.) ?(.*)$/.exec(row) ?? [];
    if (sign === "+") out.push(text!);
    else if (number !== "...") {
      while (at < Number(number) - 1) out.push(lines[at++]!);
      if (sign === " ") out.push(lines[at]!);
      at++;
    }
  }
  return [...out, ...lines.slice(at), ""].join("\n");
}

async function expectTold(call: Promise<unknown>): Promise<void> {
  const error = await call.then(() => undefined).catch((thrown: unknown) => thrown);
  if (error !== undefined && !(error instanceof ToolError)) throw error;
}

function expectUntouched(bench: ToolBench): void {
  expect(readdirSync(bench.base).sort()).toEqual(["outside", "workspace"]);
  expect(readdirSync(bench.outside)).toEqual(["secret.txt"]);
  expect(readFileSync(join(bench.outside, "secret.txt"), "utf8")).toBe("secret\n");
}
