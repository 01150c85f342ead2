import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate } from "./evaluate.ts";
import { ExecBench } from "./testing.ts";

/** Random numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PIECES = [
  ..."ok ok ok ok bad bad f X E".split(" "),
  ..."' \" ` $( ) ( { } ; & && | || |& \\ $ $X ${X} ${X:-bad} ${X@P} $((1)) < > >f 2>&1 >/dev/null <<E # ! * ? ~ = X=bad".split(
    " ",
  ),
  ..."env nice timeout sh bash xargs find busybox -c -n 1 5 -exec -S -I{} {} -- eval exec command . cd if then fi do done for in".split(
    " ",
  ),
  "\n",
  "\\\n",
  "\t",
  "sh -c ",
  "'ok'",
  '"ok"',
  "ok bad",
  "env ok",
  "nice -n 5 ok",
  "timeout 5 ok",
  "$'bad'",
  "<(ok)",
  "$(ok)#",
  "`ok`",
  "\u00a0",
  "\r",
];

test("78: whatever bash makes of a text that is allowed, nothing else runs and nothing is written", async () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "chela-fuzz-")));
  const bin = join(base, "bin");
  const cwd = join(base, "cwd");
  mkdirSync(bin);
  mkdirSync(cwd);
  const marker = join(base, "ran");
  const program = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program("ok", "exit 0");
  program("bad", `echo "$0 $*" >> ${marker}`);
  const PATH = `${bin}:/usr/bin:/bin`;
  const pick = random(20261125);
  let allowed = 0;
  for (let round = 0; round < 6000; round++) {
    let command = "ok ";
    for (let n = pick(9); n >= 0; n--) command += PIECES[pick(PIECES.length)] + (pick(3) > 0 ? " " : "");
    const entries = [{ pattern: join(bin, "ok") }];
    const settings = { safeBinProfiles: {}, safeBinTrustedDirs: [] };
    const question = { command, cwd, variables: {}, path: PATH, writable: [], entries, settings };
    const { isAllowed, pinned } = await evaluate(question);
    if (!isAllowed) continue;
    allowed++;
    Bun.spawnSync(["/bin/bash", "-c", pinned!], { cwd, env: { PATH }, stdin: "ignore", timeout: 3000 });
    expect([command, pinned, existsSync(marker), readdirSync(cwd)]).toEqual([command, pinned, false, []]);
  }
  rmSync(base, { recursive: true });
  // Otherwise the texts are so odd that the test says nothing.
  expect(allowed).toBeGreaterThan(300);
}, 60_000);

test("arguments of any kind are answered, and leave nothing running", async () => {
  await using bench = new ExecBench();
  const pick = random(7);
  const values: unknown[] = [
    undefined,
    null,
    "",
    "x",
    "\0",
    "-1",
    -1,
    0,
    1e308,
    Number.NaN,
    true,
    [],
    ["C-c"],
    {},
    { a: 1 },
    "é".repeat(2000),
  ];
  const names = ["sessionId", "data", "keys", "hex", "literal", "text", "bracketed", "eof", "offset", "limit"];
  const id = await bench.begin("cat", { pty: true });
  for (let round = 0; round < 400; round++) {
    const args: Record<string, unknown> = { action: ["list", "poll", "log", "write", "send-keys", "paste"][pick(6)] };
    for (const name of names) if (pick(3) === 0) args[name] = values[pick(values.length)];
    if (pick(2) === 0) args.sessionId = id;
    // What has another type than the schema says never reaches a tool; these may throw, but end.
    await bench.call("process", args).catch(() => {});
  }
  for (let round = 0; round < 60; round++) {
    const args: Record<string, unknown> = { command: "true", yieldMs: 2000 };
    for (const name of ["workdir", "env", "timeoutSeconds", "background", "pty", "host", "node", "ask", "elevated"]) {
      if (pick(4) === 0) args[name] = values[pick(values.length)];
    }
    await bench.call("exec", args).catch(() => {});
  }
  await bench.process("kill", id);
  await bench.processes.stop();
  expect(bench.processes.running()).toEqual([]);
}, 30_000);
