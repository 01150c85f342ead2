import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UnchangedFiles } from "./unchanged-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-unchanged-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const textOf = async (files: UnchangedFiles, name = "a"): Promise<string> =>
  (await files.read(folder, name, 100)).toString();

test("what was written a moment ago is read anew each time", async () => {
  const files = new UnchangedFiles(1000);
  for (const text of ["one", "two", "six"]) {
    put("a", text);
    expect(await textOf(files)).toBe(text);
  }
});

test("a change that keeps size and time of the content is seen", async () => {
  const files = new UnchangedFiles(1000);
  put("a", "one");
  const long = new Date(Date.now() - 3_600_000);
  utimesSync(join(folder, "a"), long, long);
  expect(await textOf(files)).toBe("one");
  put("b", "two");
  utimesSync(join(folder, "b"), long, long);
  renameSync(join(folder, "b"), join(folder, "a"));
  expect(await textOf(files)).toBe("two");
});

test("a settled file is read once", async () => {
  const files = new UnchangedFiles(1000);
  put("a", "one");
  await Bun.sleep(2100);
  const [first, second] = [await files.read(folder, "a", 100), await files.read(folder, "a", 100)];
  expect(first).toBe(second);
  expect(await files.read(folder, "a", 2)).toBe("too_large");
});

test("a file that goes, or becomes a link to the outside, is not given any more", async () => {
  const files = new UnchangedFiles(1000);
  put("a", "one");
  await Bun.sleep(2100);
  expect(await textOf(files)).toBe("one");
  unlinkSync(join(folder, "a"));
  expect(await textOf(files)).toBe("missing");
  symlinkSync("/etc/hostname", join(folder, "a"));
  expect(await textOf(files)).toBe("outside_workspace");
});

test("only so many bytes are kept", async () => {
  const files = new UnchangedFiles(5);
  put("a", "one");
  put("b", "two");
  await Bun.sleep(2100);
  const first = await files.read(folder, "a", 100);
  await files.read(folder, "b", 100);
  expect(await files.read(folder, "a", 100)).not.toBe(first);
});
