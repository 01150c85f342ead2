import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changeFiles } from "./changes.ts";
import { SafeRoot } from "./root.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-changes-")));
  writeFileSync(join(folder, "a"), "old a");
  writeFileSync(join(folder, "b"), "old b");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const root = () => SafeRoot.at(folder, { links: "inside" });
const bytes = (text: string) => Buffer.from(text);
const all = () => readdirSync(folder, { recursive: true }).sort();
const text = (name: string) => readFileSync(join(folder, name), "utf8");

describe("changes of files", () => {
  test("are all made, with the folders they need, and leave nothing behind", async () => {
    const results = await changeFiles(root(), [
      { parts: ["a"], bytes: bytes("new a") },
      { parts: ["x", "y", "c"], bytes: bytes("c"), mode: 0o600 },
      { parts: ["b"], bytes: undefined },
    ]);
    expect(results.map(({ isNew }) => isNew)).toEqual([false, true, false]);
    expect(all()).toEqual(["a", "x", "x/y", "x/y/c"]);
    expect([text("a"), text("x/y/c")]).toEqual(["new a", "c"]);
    expect(statSync(join(folder, "x/y/c")).mode & 0o777).toBe(0o600);
  });

  test("are all taken back when one cannot be made at the last moment", async () => {
    const [a, b] = [statSync(join(folder, "a")), statSync(join(folder, "b"))];
    const changes = changeFiles(root(), [
      { parts: ["a"], bytes: bytes("new a"), before: a },
      { parts: ["x", "c"], bytes: bytes("c"), before: "absent" },
      { parts: ["b"], bytes: undefined, before: b },
      { parts: ["d"], bytes: bytes("d"), before: "absent" },
    ]);
    // Everything is prepared at the next turn of the loop at the earliest; this is before.
    writeFileSync(join(folder, "d"), "by somebody else");
    await expect(changes).rejects.toThrow("Something is there already");
    expect(all()).toEqual(["a", "b", "d"]);
    expect([text("a"), text("b"), text("d")]).toEqual(["old a", "old b", "by somebody else"]);
    expect(statSync(join(folder, "a")).ino).toBe(a.ino);
  });

  test("are taken back in the middle of putting them in place", async () => {
    mkdirSync(join(folder, "full"));
    const safe = root();
    const check = safe.check.bind(safe);
    let calls = 0;
    // The fourth look is the one at `b`, while `a` is in place already.
    safe.check = (...given) => {
      if (++calls > 3) throw new Error("the disk went away");
      check(...given);
    };
    const changes = [
      { parts: ["a"], bytes: bytes("new a") },
      { parts: ["full", "n"], bytes: bytes("n") },
      { parts: ["b"], bytes: bytes("new b") },
    ];
    await expect(changeFiles(safe, changes)).rejects.toThrow("the disk went away");
    expect(all()).toEqual(["a", "b", "full"]);
    expect([text("a"), text("b")]).toEqual(["old a", "old b"]);
  });

  test("are refused where a file is not what it was, or is none", async () => {
    const before = statSync(join(folder, "a"));
    writeFileSync(join(folder, "a"), "changed since");
    const change = (parts: string[], more: object) =>
      expect(changeFiles(root(), [{ parts, bytes: bytes("x"), ...more }])).rejects;
    await change(["a"], { before }).toThrow("changed meanwhile");
    await change(["nope"], { before }).toThrow("changed meanwhile");
    await change(["nope"], { bytes: undefined }).toThrow("Nothing is there");
    await change(["a", "b"], {}).toThrow("This is no folder");
    await change([], {}).toThrow("This is a folder");
    mkdirSync(join(folder, "dir"));
    await change(["dir"], {}).toThrow("This is a folder");
    await change(["dir"], { bytes: undefined }).toThrow("This is a folder");
    expect(all()).toEqual(["a", "b", "dir"]);
  });
});
