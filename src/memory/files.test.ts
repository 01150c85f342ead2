import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryFile, memoryFiles } from "./files.ts";

let home: string;
let workspace: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "chela-memory-"));
  workspace = join(home, "workspace");
  const write = (path: string): void => {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), "x");
  };
  for (const path of ["MEMORY.md", "AGENTS.md", "memory/a.md", "memory/deep/b.md", "memory/c.txt", "memory/.d/e.md"]) {
    write(`workspace/${path}`);
  }
  for (const path of ["extra/one.md", "extra/runbooks/two.md", "extra/three.txt", "single.md"]) write(path);
  symlinkSync(join(home, "extra"), join(workspace, "memory/link"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const BOUNDS = { memoryFiles: 100, memoryFolderDepth: 5, memoryFolderEntries: 100 };
const found = async (extra: { path: string; pattern?: string }[] = [], bounds = {}): Promise<string[]> =>
  (await memoryFiles(workspace, extra, { ...BOUNDS, ...bounds })).map(({ path }) => path);

test("memory is the two files of the workspace and the Markdown beneath memory, without links and hidden folders", async () => {
  expect(await found()).toEqual(["MEMORY.md", "USER.md", "memory/a.md", "memory/deep/b.md"]);
  expect(await found([{ path: join(home, "none") }])).toHaveLength(4);
});

test("extra paths are folders, narrowed by a pattern, or single files", async () => {
  const extra = { path: join(home, "extra") };
  expect((await found([extra])).slice(4)).toEqual(["../extra/one.md", "../extra/runbooks/two.md"]);
  expect((await found([{ ...extra, pattern: "runbooks/**/*.md" }])).slice(4)).toEqual(["../extra/runbooks/two.md"]);
  expect((await found([{ path: join(home, "single.md") }])).slice(4)).toEqual(["../single.md"]);
});

test("no more is looked at than the bounds say", async () => {
  expect(await found([], { memoryFiles: 3 })).toHaveLength(3);
  expect(await found([], { memoryFolderDepth: 0 })).toEqual(["MEMORY.md", "USER.md", "memory/a.md"]);
  // The hidden folder, then a.md, of the folder's own entries.
  expect(await found([], { memoryFolderEntries: 2 })).toEqual(["MEMORY.md", "USER.md", "memory/a.md"]);
});

test("a path means a file of memory or nothing", () => {
  const extra = [{ path: join(home, "extra"), pattern: "runbooks/*.md" }];
  const of = (path: string): string | undefined => memoryFile(workspace, extra, path)?.path;
  for (const path of ["MEMORY.md", "./memory/a.md", join(workspace, "memory/deep/b.md")])
    expect(of(path)).toBeDefined();
  expect(of("../extra/runbooks/two.md")).toBe("../extra/runbooks/two.md");
  for (const path of ["AGENTS.md", "memory", "memory/c.txt", "memory/.d/e.md", "../extra/one.md", "../single.md", ""]) {
    expect([path, of(path)]).toEqual([path, undefined]);
  }
});
