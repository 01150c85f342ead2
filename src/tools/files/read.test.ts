import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { ToolBench } from "./testing.ts";

describe("read", () => {
  test("gives pages of lines and says how to go on", async () => {
    using bench = new ToolBench({ "a.txt": "one\ntwo\nthree\n" });
    const read = (args: object) => bench.text("read", { path: "a.txt", ...args });
    expect(await read({})).toBe("one\ntwo\nthree\n");
    expect(await read({ offset: 2 })).toBe("two\nthree\n");
    expect(await read({ offset: 2, limit: 1 })).toBe("two\n\n[1 more line in file. Use offset=3 to continue.]");
    expect(await read({ limit: 0 })).toBe("one\n\n[2 more lines in file. Use offset=2 to continue.]");
    expect(await read({ limit: 3 })).toBe("one\ntwo\nthree\n");
    expect(await read({ offset: 9 })).toBe("Offset 9 is beyond end of file (3 lines total). Retry with offset <= 3.");
    expect(await read({ cursor: 1 })).toBe("ne\ntwo\nthree\n");
    expect(await read({ cursor: 100 })).toBe(
      "Cursor 100 is at or beyond the end of line 1 (3 characters). Use offset=2 to continue.",
    );
  });

  test("takes apart and joins what is longer than a page", async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `${index + 1}`.padStart(40, "."));
    using bench = new ToolBench({ "long.txt": `${lines.join("\n")}\n`, "wide.txt": `${"x".repeat(70_000)}\nend` });
    const follow = async (path: string) => {
      let whole = "";
      for (let args: object | undefined = {}; args; ) {
        const page = await bench.text("read", { path, ...args });
        expect(page.length).toBeLessThanOrEqual(32_000);
        const next = /\n\n\[Read output capped .* Use offset=(\d+)(?:, cursor=(\d+))? to continue\.\]$/.exec(page);
        const shown = next ? page.slice(0, next.index) : page;
        whole += next && !next[2] ? `${shown}\n` : shown;
        args = next ? { offset: Number(next[1]), ...(next[2] ? { cursor: Number(next[2]) } : {}) } : undefined;
      }
      return whole;
    };
    expect(await follow("long.txt")).toBe(`${lines.join("\n")}\n`);
    expect(await follow("wide.txt")).toBe(`${"x".repeat(70_000)}\nend`);
    bench.put("numbers.txt", Array.from({ length: 2500 }, (_, index) => `${index + 1}\n`).join(""));
    expect(await bench.text("read", { path: "numbers.txt", limit: 2400 })).toEndWith(
      "\n2000\n\n[Read output capped at 50KB for this call. Use offset=2001, limit=400 to continue.]",
    );
  });

  test("knows line ends of two bytes and characters of four across pieces of the file", async () => {
    const text = `${"a".repeat(65_535)}\r\n${"b".repeat(65_533)}\u{1f600}\r\nend`;
    using bench = new ToolBench({ "a.txt": text, "empty.txt": "", "mark.txt": "\ufeffone\n" });
    expect(await bench.text("read", { path: "a.txt", cursor: 65_530, limit: 1 })).toBe(
      "aaaaa\n\n[2 more lines in file. Use offset=2 to continue.]",
    );
    expect(await bench.text("read", { path: "a.txt", offset: 2, cursor: 65_530 })).toBe("bbb\u{1f600}\nend");
    expect(await bench.text("read", { path: "a.txt", offset: 3 })).toBe("end");
    expect(await bench.text("read", { path: "empty.txt" })).toBe("File is empty (0 bytes).");
    expect(await bench.text("read", { path: "mark.txt" })).toBe("one\n");
  });

  test("shows pictures by what they are, whatever they are called", async () => {
    const png = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01", "latin1");
    using bench = new ToolBench({ picture: png, "text.png": "words\n", "program.bin": "\x7fELF\0\0" });
    const { content } = await bench.run("read", { path: "picture" });
    expect(content).toEqual([
      { type: "text", text: "Read image file [image/png]" },
      { type: "image", data: png.toString("base64"), mimeType: "image/png" },
    ]);
    expect(await bench.text("read", { path: "text.png" })).toBe("words\n");
    await expect(bench.text("read", { path: "program.bin" })).rejects.toThrow("binary file of 6 bytes");
  });

  test("says what is wrong, and what may have been meant", async () => {
    using bench = new ToolBench({ "hello.txt": "x", "folder/readme.md": "x" });
    const refused = (path: string) => expect(bench.run("read", { path })).rejects;
    await refused("Hello.txt").toThrow(`File not found: ${bench.at("Hello.txt")}. Did you mean: hello.txt?`);
    await refused("folder/README.txt").toThrow("Did you mean: folder/readme.md?");
    await refused("hello.txt/x").toThrow(`Path component is not a directory: ${bench.at("hello.txt")}`);
    await refused("folder").toThrow("Read requires a file path, but folder is a directory");
    await refused(" ").toThrow("Missing required parameter: path");
    expect(await bench.text("read", { path: "nope.txt", optional: true })).toBe("Optional file not found: nope.txt.");
    spawnSync("mkfifo", [bench.at("pipe")]);
    await refused("pipe").toThrow("Read only supports regular files; no read was attempted");
  });
});

describe("ls", () => {
  test("names what is in a folder, in pages", async () => {
    using bench = new ToolBench({ "b.txt": "", ".hidden": "", "folder/x": "", "a b.txt": "", 'q"': "" });
    expect(await bench.text("ls", {})).toBe('".hidden"\n"a b.txt"\n"b.txt"\n"folder/"\n"q\\""');
    expect(await bench.text("ls", { limit: 2 })).toBe(
      '".hidden"\n"a b.txt"\n\n[More entries. Continue with the same path and after="a b.txt".]',
    );
    expect(await bench.text("ls", { limit: 9, after: "b.txt" })).toBe('"folder/"\n"q\\""');
    expect(await bench.text("ls", { after: "zzz" })).toBe("(empty directory)");
    await expect(bench.run("ls", { path: "nope" })).rejects.toThrow("directory not found");
    await expect(bench.run("ls", { path: "b.txt" })).rejects.toThrow("directory not found");
  });
});
