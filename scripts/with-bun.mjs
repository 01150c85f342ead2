// Runs Bun on a machine that may have only Node and npm: `node scripts/with-bun.mjs SCRIPT [ARGS]`.
//
// npm may be told not to run install scripts, and newer npm asks before it does. The package `bun` then has only a
// placeholder where its executable belongs, but its platform packages hold the real one. This finds it there, and
// puts it first in PATH for what the script starts in turn.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const exe = process.platform === "win32" ? "bun.exe" : "bun";
const arch = process.arch === "arm64" ? "aarch64" : process.arch;
const wanted = require("../package.json").devDependencies.bun;

function candidates() {
  const found = [];
  for (const suffix of ["", "-musl"]) {
    const name = `@oven/bun-${process.platform === "win32" ? "windows" : process.platform}-${arch}${suffix}`;
    try {
      found.push(join(dirname(require.resolve(`${name}/package.json`)), "bin", exe));
    } catch {
      // Not the package of this platform.
    }
  }
  // Where the install script has run it has moved the executable here.
  found.push(fileURLToPath(new URL("../node_modules/bun/bin/bun.exe", import.meta.url)));
  for (const folder of (process.env.PATH ?? "").split(delimiter)) found.push(join(folder, exe));
  return found.filter((path) => existsSync(path));
}

// A glibc machine may have the musl package too: the first one that starts is right.
const versionOf = (path) => spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.trim();
const bun = candidates().find((path) => versionOf(path) === wanted);
if (bun === undefined) {
  console.error(`Bun ${wanted} was not found. Run \`npm ci\` first; its optional dependencies must not be left out.`);
  process.exit(1);
}

const env = { ...process.env, PATH: `${dirname(bun)}${delimiter}${process.env.PATH ?? ""}` };
const child = spawn(bun, process.argv.slice(2), { stdio: "inherit", env });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
