import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { ToolBench } from "./testing.ts";

describe("write", () => {
  test("makes files with their folders, replaces them, and tells the change", async () => {
    using bench = new ToolBench();
    const write = (content: string) => bench.run("write", { path: "deep/er/a.txt", content });
    const path = bench.at("deep/er/a.txt");
    expect(await write("one\ntwo\n")).toEqual({
      content: [{ type: "text", text: `Successfully wrote 8 bytes to ${path}` }],
      details: { changed: true, created: true, diff: "+1 one\n+2 two" },
    });
    expect((await write("one\n2\n")).details).toEqual({
      changed: true,
      created: false,
      diff: " 1 one\n-2 two\n+2 2",
    });
    expect(await write("one\n2\n")).toEqual({
      content: [{ type: "text", text: `No changes made to ${path}. The file already has identical content.` }],
      details: { changed: false },
    });
    expect(bench.get("deep/er/a.txt")).toBe("one\n2\n");
    expect(readdirSync(bench.at("deep/er"))).toEqual(["a.txt"]);
  });

  test("keeps the permissions of what it replaces", async () => {
    using bench = new ToolBench({ "run.sh": "old" });
    chmodSync(bench.at("run.sh"), 0o755);
    await bench.run("write", { path: "run.sh", content: "new" });
    expect(statSync(bench.at("run.sh")).mode & 0o777).toBe(0o755);
  });

  test("tells the defender of the workspace, also where it may write beyond it", async () => {
    using bench = new ToolBench();
    bench.tools = { fs: { workspaceOnly: false } };
    await bench.run("write", { path: "notes.md", content: "x" });
    expect(bench.judged).toMatchObject([{ path: bench.at("notes.md"), root: bench.context.workspace }]);
  });

  test("shows the defender where the file really is, and does nothing when it refuses", async () => {
    using bench = new ToolBench({ "real/a.txt": "old" });
    symlinkSync("real", bench.at("alias"));
    await bench.run("write", { path: "alias/b.txt", content: "x" });
    const root = bench.workspace;
    const content = Buffer.from("x");
    expect(bench.judged).toEqual([{ kind: "file-write", path: bench.at("real/b.txt"), root, bytes: 1, content }]);
    bench.decision = { verdict: "block", score: 90, findings: [{ id: "t", score: 90, reason: "Not there." }] };
    await expect(bench.run("write", { path: "new/c.txt", content: "x" })).rejects.toThrow("Not there.");
    expect(readdirSync(bench.workspace).sort()).toEqual(["alias", "real"]);
  });

  test("asks a person about what is to be reviewed, and does it only when somebody agrees", async () => {
    using bench = new ToolBench({});
    bench.decision = { verdict: "review", score: 60, findings: [{ id: "t", score: 60, reason: "Look at it." }] };
    const call = () => bench.run("write", { path: "a.txt", content: "x" });
    await expect(call()).rejects.toThrow("Look at it.");
    const asked: unknown[] = [];
    let answer: string | null = "A person was asked and refused.";
    const agree = async (...about: unknown[]) => {
      asked.push(about);
      return answer;
    };
    bench.context = { ...bench.context, agree };
    await expect(call()).rejects.toThrow("Look at it. A person was asked and refused.");
    expect(readdirSync(bench.workspace)).toEqual([]);
    answer = null;
    await call();
    expect(readdirSync(bench.workspace)).toEqual(["a.txt"]);
    const sha256 = createHash("sha256").update("x").digest("hex");
    expect(asked.at(-1)).toEqual([{ path: bench.at("a.txt"), sha256 }, "Look at it."]);
  });

  test("refuses what is no file", async () => {
    using bench = new ToolBench({ "folder/a.txt": "" });
    const refused = (path: string) => expect(bench.run("write", { path, content: "x" })).rejects;
    await refused("folder").toThrow("not a file");
    await refused("folder/a.txt/b").toThrow("Path component is not a directory");
    await refused(".").toThrow("not a file");
  });
});

describe("edit", () => {
  const edit = (bench: ToolBench, ...edits: [string, string][]) =>
    bench.run("edit", { path: "a.txt", edits: edits.map(([oldText, newText]) => ({ oldText, newText })) });

  test("replaces pieces in any order, as they are", async () => {
    using bench = new ToolBench({ "a.txt": "alpha\nbeta\ngamma\n" });
    expect(await edit(bench, ["beta", "B"], ["alpha", "$& $1"])).toEqual({
      content: [{ type: "text", text: `Successfully replaced 2 block(s) in ${bench.at("a.txt")}.` }],
      details: { changed: true, diff: "-1 alpha\n-2 beta\n+1 $& $1\n+2 B\n 3 gamma" },
    });
    expect(bench.get("a.txt")).toBe("$& $1\nB\ngamma\n");
    expect((await edit(bench, ["B", "B"])).details).toEqual({ changed: false });
  });

  test("keeps line ends, the byte order mark and what it does not touch", async () => {
    using bench = new ToolBench({ "a.txt": "\ufeffa\r\nb\nc\r\n" });
    await edit(bench, ["a\nb", "x\ny\nz"]);
    expect(bench.get("a.txt")).toBe("\ufeffx\r\ny\r\nz\nc\r\n");
  });

  test("finds text in spite of trailing blanks and of quotes and dashes as printed", async () => {
    using bench = new ToolBench({ "a.txt": "x  \n\u201cquoted\u201d \u2014 dash\nlast\n" });
    await edit(bench, ["x\n", "y\n"]);
    await edit(bench, ['"quoted" - dash\nlast', "plain"]);
    expect(bench.get("a.txt")).toBe("y\nplain\n");
  });

  test("refuses what is not there once, and overlaps", async () => {
    using bench = new ToolBench({ "a.txt": "one\none\ntab\there\n" });
    const path = bench.at("a.txt");
    await expect(edit(bench, ["one", "x"])).rejects.toThrow(`Found 2 occurrences of the text in ${path}.`);
    await expect(edit(bench, ["tab here", "x"])).rejects.toThrow(
      /near line 3 \(88% match\):\n {4}expected: "tab here"/,
    );
    await expect(edit(bench, ["one\ntab", "x"], ["tab\there", "y"])).rejects.toThrow("edits[0] and edits[1] overlap");
    await expect(edit(bench)).rejects.toThrow("Missing required parameter: edits");
    await expect(edit(bench, ["", "x"])).rejects.toThrow("Missing required parameter: edits");
    expect(bench.get("a.txt")).toBe("one\none\ntab\there\n");
  });

  test("refuses what is no text, no file, or not there", async () => {
    using bench = new ToolBench({ "a.txt": Buffer.from([0x61, 0xff, 0xfe]), "folder/x": "" });
    await expect(edit(bench, ["a", "b"])).rejects.toThrow("Not a UTF-8 text file");
    const refused = (path: string) =>
      expect(bench.run("edit", { path, edits: [{ oldText: "a", newText: "b" }] })).rejects;
    await refused("nope").toThrow(`Could not edit file: ${bench.at("nope")}. Error code: ENOENT.`);
    await refused("folder").toThrow("Error code: not-file.");
  });
});
