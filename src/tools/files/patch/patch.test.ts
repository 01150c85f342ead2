import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { ToolBench } from "../testing.ts";

describe("apply_patch", () => {
  test("adds, updates, moves and deletes files in one go", async () => {
    using bench = new ToolBench({ "a.txt": "one\ntwo\nthree\n", "old.txt": "x\ny\n", "gone.txt": "bye" });
    const text = await bench.patch(
      "*** Add File: new/n.txt",
      "+first",
      "+",
      "+third",
      "*** Update File: a.txt",
      "@@",
      " one",
      "-two",
      "+2",
      "*** Update File: old.txt",
      "*** Move to: moved/o.txt",
      "@@",
      "-y",
      "+z",
      "*** Delete File: gone.txt",
    );
    expect(text).toBe("Success. Updated the following files:\nA new/n.txt\nM a.txt\nM moved/o.txt\nD gone.txt");
    expect(bench.get("new/n.txt")).toBe("first\n\nthird\n");
    expect(bench.get("a.txt")).toBe("one\n2\nthree\n");
    expect(bench.get("moved/o.txt")).toBe("x\nz\n");
    expect(readdirSync(bench.workspace).sort()).toEqual(["a.txt", "moved", "new"]);
    expect(bench.judged.map((action) => action.kind === "file-write" && action.path)).toEqual([
      bench.at("new/n.txt"),
      bench.at("a.txt"),
      bench.at("old.txt"),
      bench.at("moved/o.txt"),
      bench.at("gone.txt"),
    ]);
  });

  test("sees in each step what those before it did", async () => {
    using bench = new ToolBench({ "a.txt": "one\n" });
    await bench.patch("*** Add File: b.txt", "+one", "*** Update File: b.txt", "@@", "-one", "+two");
    expect(bench.get("b.txt")).toBe("two\n");
    await bench.patch("*** Delete File: a.txt", "*** Add File: a.txt", "+fresh");
    expect(bench.get("a.txt")).toBe("fresh\n");
    await bench.patch("*** Add File: c.txt", "+x", "*** Delete File: c.txt");
    expect(existsSync(bench.at("c.txt"))).toBe(false);
    symlinkSync(".", bench.at("self"));
    await bench.patch(
      "*** Update File: a.txt",
      "@@",
      "-fresh",
      "+by name",
      "*** Update File: self/a.txt",
      "@@",
      "-by name",
      "+by alias",
    );
    expect(bench.get("a.txt")).toBe("by alias\n");
  });

  test("changes nothing when one step cannot be done", async () => {
    using bench = new ToolBench({ "a.txt": "one\n", "b.txt": "two\n" });
    const refused = (...lines: string[]) =>
      expect(bench.patch("*** Add File: n/n.txt", "+x", "*** Delete File: b.txt", ...lines)).rejects;
    await refused("*** Update File: a.txt", "@@", "-nope", "+x").toThrow(
      `Failed to find expected lines in ${bench.at("a.txt")} (line 6 of the patch):\nnope`,
    );
    await refused("*** Update File: c.txt", "@@", "-a", "+b").toThrow(
      "Failed to read file to update c.txt (line 5 of the patch): path not found",
    );
    await refused("*** Delete File: c.txt").toThrow("Failed to delete c.txt (line 5 of the patch): file not found");
    await refused("*** Add File: a.txt", "+x").toThrow("Cannot create a.txt: the file already exists.");
    await refused("*** Update File: a.txt", "*** Move to: ../a.txt", "@@", "-one", "+x").toThrow("Path escapes");
    expect(readdirSync(bench.workspace).sort()).toEqual(["a.txt", "b.txt"]);
    expect([bench.get("a.txt"), bench.get("b.txt")]).toEqual(["one\n", "two\n"]);
  });

  test("finds places by context, after each other, and at the end", async () => {
    const code = "function a() {\n  return 1;\n}\n\nfunction b() {\n  return 1;\n}\n";
    using bench = new ToolBench({ "code.js": code, "open.txt": "no end", "a.txt": "1\n2\n1\n2\n" });
    await bench.patch("*** Update File: code.js", "@@ function b() {", "-  return 1;", "+  return 2;");
    expect(bench.get("code.js")).toBe(code.replace("b() {\n  return 1", "b() {\n  return 2"));
    await bench.patch("*** Update File: code.js", "@@ function a() {", "+  // begins");
    expect(bench.get("code.js")).toStartWith("function a() {\n  // begins\n  return 1;");
    await bench.patch("*** Update File: open.txt", "@@", " no end", "+appended", "*** End of File");
    expect(bench.get("open.txt")).toBe("no end\nappended\n");
    await bench.patch("*** Update File: open.txt", "@@", "+inserted");
    expect(bench.get("open.txt")).toBe("no end\nappended\ninserted\n");
    await bench.patch("*** Update File: a.txt", "@@", " 1", "-2", "+last", "*** End of File");
    expect(bench.get("a.txt")).toBe("1\n2\n1\nlast\n");
    await expect(bench.patch("*** Update File: a.txt", "@@", "-last", "+x", "@@", "-2", "+y")).rejects.toThrow(
      "They stand at line 2 of the file",
    );
    await expect(bench.patch("*** Update File: a.txt", "@@ nowhere", "-1", "+x")).rejects.toThrow(
      `Failed to find context 'nowhere' in ${bench.at("a.txt")} (line 3 of the patch)`,
    );
  });

  test("keeps line ends and permissions, and an open end that it does not touch", async () => {
    using bench = new ToolBench({ "dos.txt": "a\r\nb\r\nc", "mixed.txt": "a\nb\r\nc\n" });
    await bench.patch("*** Update File: dos.txt", "@@", "-a", "+A", "*** Update File: mixed.txt", "@@", "-a", "+A");
    expect([bench.get("dos.txt"), bench.get("mixed.txt")]).toEqual(["A\r\nb\r\nc", "A\nb\r\nc\n"]);
    await bench.patch("*** Update File: dos.txt", "@@", "-c", "+C");
    expect(bench.get("dos.txt")).toBe("A\r\nb\r\nC\r\n");
    const { mode } = statSync(bench.at("dos.txt"));
    await bench.patch("*** Update File: dos.txt", "@@", "-b");
    expect(statSync(bench.at("dos.txt")).mode).toBe(mode);
    expect(bench.get("dos.txt")).toBe("A\r\nC\r\n");
  });

  test("takes the frames that models write, and names the line that is wrong", async () => {
    using bench = new ToolBench();
    const input = (text: string) => bench.text("apply_patch", { input: text });
    await input("<<'EOF'\n*** Begin Patch\n*** Add File: a\n+x\n*** End Patch\nEOF");
    await input("  *** Begin Patch  \n*** Add File: b\n+x\n*** End Patch\n");
    expect([bench.get("a"), bench.get("b")]).toEqual(["x\n", "x\n"]);
    const wrong = (text: string) => expect(input(text)).rejects;
    await wrong("").toThrow("Provide a patch input.");
    await wrong("hello").toThrow("The first line of the patch must be '*** Begin Patch'");
    await wrong("*** Begin Patch\n+x").toThrow("The last line of the patch must be '*** End Patch'");
    await wrong("*** Begin Patch\n*** End Patch").toThrow("No files were modified.");
    const body = (...lines: string[]) => expect(bench.patch(...lines)).rejects;
    await body("*** Add File: c", "one").toThrow(/at line 3: 'one' is not a valid hunk header/);
    await body("*** Add File: ", "+x").toThrow(/at line 2: '\*\*\* Add File: ' is not a valid hunk header/);
    await body("*** Rename File: a").toThrow(/at line 2: '\*\*\* Rename File: a' is not a valid hunk header/);
    await body("*** Update File: a").toThrow("Invalid patch hunk at line 2: Update file hunk for path 'a' is empty");
    await body("*** Update File: a", "@@").toThrow(
      "Invalid patch hunk at line 4: Update hunk does not contain any lines",
    );
    await body("*** Update File: a", "@@", "-x", "y").toThrow("at line 5: Unexpected line found in update hunk: 'y'");
  });

  test("is offered to the models that the configuration names", async () => {
    using bench = new ToolBench();
    const isOffered = (applyPatch: object) => bench.isOffered("apply_patch", { exec: { applyPatch } });
    expect(isOffered({})).toBe(true);
    expect(isOffered({ enabled: false })).toBe(false);
    expect(isOffered({ allowModels: ["mock/mock-1"] })).toBe(true);
    expect(isOffered({ allowModels: ["mock-1"] })).toBe(true);
    expect(isOffered({ allowModels: ["other"] })).toBe(false);
  });
});
