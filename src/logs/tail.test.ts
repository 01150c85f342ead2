import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resultProblem } from "../protocol/contract.ts";
import { LogTail } from "./tail.ts";

let folder: string;
let file: string;
let tail: LogTail;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-tail-"));
  file = join(folder, "a.log");
  tail = new LogTail({ place: () => ({ path: file, chosen: false }), redact: (line) => line.replace("secret", "***") });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Ten lines of ten bytes each: `line 0000\n`. */
const TEN = Array.from({ length: 10 }, (_, n) => `line ${String(n).padStart(4, "0")}\n`).join("");
const line = (n: number): string => `line ${String(n).padStart(4, "0")}`;

describe("without a cursor", () => {
  test("all of a short file", async () => {
    writeFileSync(file, TEN);
    const answer = await tail.read({});
    expect(answer).toEqual({
      file,
      cursor: 100,
      size: 100,
      lines: [...Array(10).keys()].map(line),
      truncated: false,
      reset: false,
    });
    expect(resultProblem("logs.tail", answer)).toBeNull();
  });

  test("the last lines, by number", async () => {
    writeFileSync(file, TEN);
    expect(await tail.read({ limit: 2 })).toMatchObject({ lines: [line(8), line(9)], truncated: true, reset: false });
  });

  test.each([
    [20, [line(8), line(9)]],
    [19, [line(9)]],
    [11, [line(9)]],
    [10, [line(9)]],
    [9, []],
    [1, []],
  ])("the last %d bytes, without the line that they cut", async (maxBytes, lines) => {
    writeFileSync(file, TEN);
    expect(await tail.read({ maxBytes })).toEqual({
      file,
      cursor: 100,
      size: 100,
      lines,
      truncated: true,
      reset: false,
    });
  });

  test("no file yet", async () => {
    const answer = await tail.read({});
    expect(answer).toEqual({ file, cursor: 0, size: 0, lines: [], truncated: false, reset: false });
    expect(resultProblem("logs.tail", answer)).toBeNull();
  });
});

describe("with a cursor", () => {
  test("what came since, and nothing twice", async () => {
    writeFileSync(file, TEN);
    const { cursor } = await tail.read({});
    expect(await tail.read({ cursor })).toMatchObject({ lines: [], cursor, truncated: false, reset: false });
    appendFileSync(file, "new 1\nnew 2\n");
    expect(await tail.read({ cursor })).toMatchObject({ lines: ["new 1", "new 2"], cursor: 112, reset: false });
  });

  test("a line that is still being written comes whole, later", async () => {
    writeFileSync(file, `${TEN}half `);
    const first = await tail.read({});
    expect(first).toMatchObject({ cursor: 100, size: 105 });
    expect(first.lines.at(-1)).toBe(line(9));
    appendFileSync(file, "done\n");
    expect(await tail.read({ cursor: first.cursor })).toMatchObject({ lines: ["half done"], cursor: 110 });
  });

  test("within a line: that line is left out", async () => {
    writeFileSync(file, TEN);
    expect(await tail.read({ cursor: 73 })).toMatchObject({
      lines: [line(8), line(9)],
      truncated: false,
      reset: false,
    });
  });

  test("more than maxBytes behind: the last ones, and how many bytes are missing", async () => {
    writeFileSync(file, TEN);
    expect(await tail.read({ cursor: 10, maxBytes: 20 })).toEqual({
      file,
      cursor: 100,
      size: 100,
      lines: [line(8), line(9)],
      truncated: true,
      reset: true,
      skippedBytes: 70,
    });
  });

  test("more than limit behind: the last ones", async () => {
    writeFileSync(file, TEN);
    expect(await tail.read({ cursor: 50, limit: 1 })).toMatchObject({
      lines: [line(9)],
      truncated: true,
      reset: false,
    });
  });

  test("beyond the end: the file began anew", async () => {
    writeFileSync(file, TEN);
    truncateSync(file);
    appendFileSync(file, "fresh\n");
    const answer = await tail.read({ cursor: 100 });
    expect(answer).toEqual({ file, cursor: 6, size: 6, lines: ["fresh"], truncated: false, reset: true });
  });

  test("a single line larger than maxBytes does not hold the reader up", async () => {
    writeFileSync(file, `${"x".repeat(500)}`);
    const first = await tail.read({ maxBytes: 100 });
    expect(first).toMatchObject({ lines: [], cursor: 500, truncated: true });
    appendFileSync(file, `\n${TEN}`);
    expect((await tail.read({ cursor: first.cursor, maxBytes: 200 })).lines).toHaveLength(10);
  });
});

test("attack 126: secrets are taken out on the way, whatever stands in the file", async () => {
  writeFileSync(file, "a secret line\n");
  expect((await tail.read({})).lines).toEqual(["a *** line"]);
});

test("bytes that are no text come through as marks, lines apart", async () => {
  writeFileSync(file, Buffer.concat([Buffer.from([0xff, 0xfe, 10]), Buffer.from("ok\n")]));
  expect((await tail.read({})).lines).toEqual(["\ufffd\ufffd", "ok"]);
});

test("a link, a directory or a pipe in the place of the file is not read", async () => {
  writeFileSync(join(folder, "target"), "hidden\n");
  symlinkSync(join(folder, "target"), file);
  expect((await tail.read({})).lines).toEqual([]);
  const chosen = new LogTail({ place: () => ({ path: file, chosen: true }), redact: (text) => text });
  expect((await chosen.read({})).lines).toEqual(["hidden"]);
  const pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  for (const path of [folder, pipe]) {
    const other = new LogTail({ place: () => ({ path, chosen: true }), redact: (text) => text });
    expect((await other.read({})).lines).toEqual([]);
  }
});
