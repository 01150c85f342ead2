import { describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { ToolBench } from "./testing.ts";

/** What is outside is as it was, and nothing came to be there. */
function expectUntouched(bench: ToolBench): void {
  expect(readdirSync(bench.outside)).toEqual(["secret.txt"]);
  expect(readFileSync(join(bench.outside, "secret.txt"), "utf8")).toBe("secret\n");
  expect(readdirSync(bench.base).sort()).toEqual(["outside", "workspace"]);
}

describe("attacks on the file tools", () => {
  test("62: a patch stays in the workspace", async () => {
    using bench = new ToolBench({ "in.txt": "secret\n" });
    symlinkSync(bench.outside, bench.at("way-out"));
    symlinkSync(join(bench.outside, "secret.txt"), bench.at("link.txt"));
    symlinkSync("../outside", bench.at("relative-way-out"));
    const secret = join(bench.outside, "secret.txt");
    const targets = [
      "../new.txt",
      join(bench.outside, "new.txt"),
      "way-out/new.txt",
      "a/../../new.txt",
      "relative-way-out/n",
    ];
    for (const path of targets) {
      await expect(bench.patch(`*** Add File: ${path}`, "+x")).rejects.toThrow(/escapes sandbox root/);
      const move = ["*** Update File: in.txt", `*** Move to: ${path}`, "@@", "-secret", "+x"];
      await expect(bench.patch(...move)).rejects.toThrow(/escapes sandbox root/);
    }
    for (const path of ["../outside/secret.txt", secret, "way-out/secret.txt", "relative-way-out/secret.txt"]) {
      await expect(bench.patch(`*** Delete File: ${path}`)).rejects.toThrow(/escapes sandbox root/);
      const update = [`*** Update File: ${path}`, "@@", "-secret", "+x"];
      await expect(bench.patch(...update)).rejects.toThrow(/escapes sandbox root/);
    }
    await expect(bench.patch("*** Update File: link.txt", "@@", "-secret", "+x")).rejects.toThrow("unsafe path");
    expect(await bench.patch("*** Delete File: link.txt")).toEndWith("D link.txt");
    expect(existsSync(bench.at("link.txt"))).toBe(false);
    expectUntouched(bench);
  });

  test("62: a new file of a patch is not put behind a link, even one that stays inside", async () => {
    using bench = new ToolBench({ "real/a.txt": "x\n" });
    symlinkSync("real", bench.at("alias"));
    await expect(bench.patch("*** Add File: alias/new.txt", "+x")).rejects.toThrow("Symlink is not allowed");
    await bench.patch("*** Update File: alias/a.txt", "@@", "-x", "+y");
    expect(bench.get("real/a.txt")).toBe("y\n");
    expect(readdirSync(bench.at("real"))).toEqual(["a.txt"]);
  });

  test("62: the settings of a patch and of the other tools contain it each by itself", async () => {
    using bench = new ToolBench();
    const path = join(bench.outside, "new.txt");
    for (const tools of [{ fs: { workspaceOnly: false } }, { exec: { applyPatch: { workspaceOnly: false } } }]) {
      bench.tools = tools;
      await expect(bench.patch(`*** Add File: ${path}`, "+x")).rejects.toThrow("Path escapes sandbox root");
    }
    bench.tools = { fs: { workspaceOnly: false }, exec: { applyPatch: { workspaceOnly: false } } };
    bench.context.isSandboxed = true;
    await expect(bench.patch(`*** Add File: ${path}`, "+x")).rejects.toThrow("Path escapes sandbox root");
    expectUntouched(bench);
    bench.context.isSandboxed = false;
    expect(await bench.patch(`*** Add File: ${path}`, "+x")).toEndWith(`A ${path}`);
  });

  test("63: no form of a path leads out of the workspace", async () => {
    using bench = new ToolBench({ "own.txt": "own\n", "folder/x": "" });
    const secret = join(bench.outside, "secret.txt");
    symlinkSync(bench.outside, bench.at("way-out"));
    symlinkSync(secret, bench.at("link.txt"));
    symlinkSync(join(bench.outside, "nothing"), bench.at("dangling"));
    symlinkSync("way-out", bench.at("chain"));
    symlinkSync("loop-b", bench.at("loop-a"));
    symlinkSync("loop-a", bench.at("loop-b"));
    linkSync(secret, bench.at("second-name.txt"));
    const forms = [
      "../outside/secret.txt",
      "folder/../../outside/secret.txt",
      secret,
      `@${secret}`,
      "@../outside/secret.txt",
      `file://${secret}`,
      `file://${bench.workspace}/%2e%2e/outside/secret.txt`,
      "~/../../../../../../etc/hostname",
      "way-out/secret.txt",
      "chain/secret.txt",
      "way-out/missing/leaf.txt",
      "link.txt",
      "dangling",
      "loop-a/x",
      "second-name.txt",
      "own.txt\0/../../outside/secret.txt",
    ];
    for (const path of forms) {
      const edits = [{ oldText: "secret", newText: "x" }];
      for (const [name, args] of [
        ["read", {}],
        ["read", { optional: true }],
        ["write", { content: "x" }],
        ["edit", { edits }],
        ["ls", {}],
      ] as const) {
        const outcome = await bench.run(name, { path, ...args }).then(
          ({ content }) => JSON.stringify(content),
          (error: Error) => `refused: ${error.name} ${error.message}`,
        );
        expect([path, name, outcome]).toEqual([path, name, expect.stringMatching(/^refused: ToolError /)]);
      }
    }
    expectUntouched(bench);
    expect(statSync(secret).nlink).toBe(2);
  });

  test("63: spaces of other kinds are plain ones before anything is checked", async () => {
    using bench = new ToolBench();
    await bench.run("write", { path: "a\u00a0b\u202fc.txt", content: "x" });
    expect(readdirSync(bench.workspace)).toEqual(["a b c.txt"]);
  });

  test("63: links that stay inside are followed to folders, not to files", async () => {
    using bench = new ToolBench({ "real/a.txt": "inside\n" });
    symlinkSync("real", bench.at("alias"));
    symlinkSync(bench.at("real"), bench.at("absolute"));
    symlinkSync("real/a.txt", bench.at("link.txt"));
    expect(await bench.text("read", { path: "alias/a.txt" })).toBe("inside\n");
    expect(await bench.text("read", { path: "absolute/a.txt" })).toBe("inside\n");
    await expect(bench.run("read", { path: "link.txt" })).rejects.toThrow("path must be a regular file");
    await expect(bench.run("write", { path: "link.txt", content: "x" })).rejects.toThrow("Symlink is not allowed");
    expect(bench.get("real/a.txt")).toBe("inside\n");
  });

  // Elsewhere folders cannot be exchanged in one step.
  test.skipIf(process.platform !== "linux")(
    "64: a folder that becomes a link between check and use does not let anything out",
    async () => {
      using bench = new ToolBench({ "folder/secret.txt": "inside\n" });
      symlinkSync(bench.outside, bench.at("trap"));
      // Another process exchanges the folder and the way out as fast as it can, in one step each time.
      const loop = `
      const { dlopen } = require("bun:ffi");
      const exchange = { renameat2: { args: ["int", "cstring", "int", "cstring", "u32"], returns: "int" } };
      const { renameat2 } = dlopen("libc.so.6", exchange).symbols;
      const [here, folder, trap] = [-100, Buffer.from("folder\\0"), Buffer.from("trap\\0")];
      for (;;) if (renameat2(here, folder, here, trap, 2) !== 0) process.exit(1);`;
      const swapping = Bun.spawn([process.execPath, "-e", loop], {
        cwd: bench.workspace,
        stdio: ["ignore", "ignore", "ignore"],
      });
      let seen = 0;
      let refused = 0;
      for (let round = 0; round < 600; round++) {
        const path = "folder/secret.txt";
        const text = await bench.text("read", { path }).catch(() => {
          refused++;
          return "";
        });
        if (text !== "") seen++;
        expect(text).not.toBe("secret\n");
        await bench.run("write", { path, content: `inside ${round}\n` }).catch(() => {});
        await bench.patch("*** Delete File: folder/new.txt").catch(() => {});
        await bench.patch("*** Add File: folder/new.txt", "+x").catch(() => {});
        await Bun.sleep(0);
      }
      expect(swapping.exitCode).toBeNull();
      swapping.kill("SIGKILL");
      await swapping.exited;
      expect([seen > 0, refused > 0]).toEqual([true, true]);
      expectUntouched(bench);
    },
  );

  test("64: a file that becomes a link between reading and writing is not followed", async () => {
    using bench = new ToolBench({ "a.txt": "secret\n" });
    const secret = join(bench.outside, "secret.txt");
    // The defender is asked between reading and writing.
    bench.onJudge = () => {
      unlinkSync(bench.at("a.txt"));
      symlinkSync(secret, bench.at("a.txt"));
    };
    const edits = [{ oldText: "secret", newText: "changed" }];
    await expect(bench.run("edit", { path: "a.txt", edits })).rejects.toThrow("Error code: symlink");
    bench.onJudge = () => {
      unlinkSync(bench.at("a.txt"));
      linkSync(secret, bench.at("a.txt"));
    };
    unlinkSync(bench.at("a.txt"));
    bench.put("a.txt", "secret\n");
    await expect(bench.run("edit", { path: "a.txt", edits })).rejects.toThrow("Hardlinked path is not allowed");
    expectUntouched(bench);
  });

  test("64: a folder that is moved out of the workspace meanwhile is not written to", async () => {
    using bench = new ToolBench({ "folder/a.txt": "one\n" });
    bench.onJudge = () => renameSync(bench.at("folder"), join(bench.base, "elsewhere"));
    await expect(bench.run("write", { path: "folder/a.txt", content: "x" })).rejects.toThrow();
    expect(readFileSync(join(bench.base, "elsewhere", "a.txt"), "utf8")).toBe("one\n");
  });

  test("64: what somebody else changed meanwhile is not overwritten", async () => {
    using bench = new ToolBench({ "a.txt": "one\ntwo\n" });
    bench.onJudge = () => bench.put("a.txt", "one\ntwo\nby somebody else\n");
    const edits = [{ oldText: "one", newText: "1" }];
    await expect(bench.run("edit", { path: "a.txt", edits })).rejects.toThrow("Changed by somebody else meanwhile");
    expect(bench.get("a.txt")).toBe("one\ntwo\nby somebody else\n");
  });
});
