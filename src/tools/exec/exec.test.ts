import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ExecBench, textOf, until } from "./testing.ts";

/** Pids that a command wrote into a file of the workspace, alive or not. */
const pidsIn = (bench: ExecBench, file: string): number[] =>
  existsSync(join(bench.workspace, file))
    ? readFileSync(join(bench.workspace, file), "utf8").trim().split("\n").map(Number)
    : [];

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

test("gives what a command says and how it ended", async () => {
  await using bench = new ExecBench();
  const { content, details, isError } = await bench.exec("pwd; echo err >&2; exit 3");
  expect(isError).toBeUndefined();
  expect(content).toEqual([{ type: "text", text: `${bench.workspace}\nerr\n\n(Command exited with code 3)` }]);
  expect(details).toMatchObject({ status: "completed", exitCode: 3, exitReason: "exit", cwd: bench.workspace });
  expect(textOf(await bench.exec("true"))).toBe("(no output)");
});

test("tells failures of the shell and signals as failures", async () => {
  await using bench = new ExecBench();
  const missing = await bench.exec("no-such-command-here");
  expect(missing).toMatchObject({ isError: true, details: { failureKind: "shell-command-not-found", exitCode: 127 } });
  expect(textOf(missing)).toEndWith("\n\nCommand not found");
  const killed = await bench.exec("kill -9 $$");
  expect(killed).toMatchObject({ isError: true, details: { exitSignal: "SIGKILL", exitReason: "signal" } });
  expect(textOf(killed)).toBe("Command aborted by signal SIGKILL");
});

test("runs where it is told, literally, and nowhere else", async () => {
  await using bench = new ExecBench();
  mkdirSync(join(bench.workspace, "sub"));
  expect(textOf(await bench.exec("pwd", { workdir: "sub" }))).toBe(join(bench.workspace, "sub"));
  expect(textOf(await bench.exec("pwd", { workdir: "" }))).toBe(bench.workspace);
  for (const workdir of ["~", "/nope", "   "]) {
    const result = await bench.exec("touch ran", { workdir });
    expect(textOf(result)).toStartWith(`workdir "${workdir}" is unavailable or not a directory`);
    expect(result).toMatchObject({ isError: true, details: { failureKind: "runtime-error" } });
  }
  expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
});

test("ends a command whose time is over, with what came of it", async () => {
  await using bench = new ExecBench();
  const script = "echo start; setsid sh -c 'echo $$ >> pids; exec sleep 60' & echo $$ >> pids; sleep 60";
  const result = await bench.exec(script, { timeoutSeconds: 1.5 });
  expect(textOf(result)).toStartWith("start\n\nCommand timed out after 1.5 seconds.");
  expect(result).toMatchObject({ isError: true, details: { timedOut: true, exitSignal: "SIGTERM" } });
  expect(pidsIn(bench, "pids").map(isAlive)).toEqual([false, false]);
});

test("an abort ends the command and all that came of it, whatever it is about", async () => {
  await using bench = new ExecBench();
  for (const script of [
    "echo $$ >> pids; trap '' TERM; sleep 60",
    "sh -c 'echo $$ >> pids; sleep 60' | cat",
    "(setsid sh -c 'echo $$ >> pids; exec sleep 60' &) ; sleep 60",
    "yes",
  ]) {
    const abort = new AbortController();
    const before = pidsIn(bench, "pids").length;
    const call = bench.exec(script, {}, { signal: abort.signal });
    if (script !== "yes") await until(() => pidsIn(bench, "pids").length > before);
    abort.abort(new Error("stopped by the user"));
    await expect(call).rejects.toThrow("stopped by the user");
    expect(pidsIn(bench, "pids").some(isAlive)).toBe(false);
  }
  expect(bench.processes.running()).toEqual([]);
});

test("what a command leaves behind in its group ends with it, and does not hold it up", async () => {
  await using bench = new ExecBench();
  const { details } = await bench.exec("sleep 60 & echo $! > pids; echo done");
  expect(details).toMatchObject({ status: "completed", aggregated: "done" });
  expect(pidsIn(bench, "pids").map(isAlive)).toEqual([false]);
});

test("keeps the end of a long output and says so", async () => {
  await using bench = new ExecBench({ execOutputChars: 1000 });
  const { content, details } = await bench.exec("seq 1 5000");
  const { text } = content[0] as { text: string };
  expect(text).toStartWith("[earlier output was discarded at the retention cap and cannot be recovered]\n\n");
  expect(text).toEndWith("\n5000");
  expect((details!.aggregated as string).length).toBeLessThanOrEqual(1000);
});

test("memory stays bounded while a command floods", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("head -c 200000000 /dev/zero | tr '\\0' x");
  const session = bench.processes.find("main", id)!;
  await session.ended;
  expect(session.output.all).toHaveLength(200_000);
});

test("characters that arrive in pieces stay whole, control characters go", async () => {
  await using bench = new ExecBench();
  const script = "printf '\\303'; sleep 0.1; printf '\\251\\n'; printf 'a\\000b\\007c\\tz\\033[1m\\n'";
  expect(textOf(await bench.exec(script))).toBe("é\nabc\tz\x1b[1m");
});

test("those who watch are told of output while it comes", async () => {
  await using bench = new ExecBench();
  const seen: string[] = [];
  await bench.exec("echo one; sleep 0.2; echo two", {}, { onUpdate: (partial) => seen.push(textOf(partial)) });
  expect(seen[0]).toBe("one\n");
  expect(seen.at(-1)).toBe("one\ntwo\n");
});

test("82: variables that steer programs cannot be set, in no spelling, and nothing runs", async () => {
  await using bench = new ExecBench();
  const names =
    "PATH path LD_PRELOAD ld_preload DYLD_INSERT_LIBRARIES NODE_OPTIONS BASH_ENV ENV SHELLOPTS PS4 GIT_SSH_COMMAND GIT_CONFIG_COUNT MANPAGER MAKEFLAGS RUSTC_WRAPPER HGRCPATH BUN_BE_BUN BUN_OPTIONS PYTHONSTARTUP PERL5OPT RUBYOPT JAVA_TOOL_OPTIONS GLIBC_TUNABLES IFS LESSOPEN PROMPT_COMMAND OPENCLAW_STATE_DIR CHELA_EXEC_ID".split(
      " ",
    );
  for (const name of [...names, "LD_PRELOAD ", " PATH", "A=B", "", "ＬＤ_PRELOAD", "FOO\n", "BASH_FUNC_ls%%"]) {
    const result = await bench.exec("touch ran", { env: { [name]: "x" } });
    expect(textOf(result)).toContain("is forbidden during host execution.");
    expect(result).toMatchObject({ isError: true, details: { status: "error", tool: "exec" } });
  }
  expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
  expect(textOf(await bench.exec('echo "$FOO-$PAGER"', { env: { FOO: "$HOME", PAGER: "cat" } }))).toBe("$HOME-");
});

test("82: children do not inherit what steers programs, nor the gateway's credentials", async () => {
  await using bench = new ExecBench();
  bench.env = {
    ...process.env,
    LD_PRELOAD: "",
    NODE_OPTIONS: "--require /tmp/x.js",
    BASH_ENV: "/tmp/x.sh",
    BUN_BE_BUN: "1",
    OPENCLAW_GATEWAY_TOKEN: "t",
    OPENCLAW_STATE_DIR: "/s",
    GH_TOKEN: "mine",
  };
  const names = new Set(textOf(await bench.exec("env | cut -d= -f1")).split("\n"));
  for (const name of ["LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "BUN_BE_BUN", "OPENCLAW_GATEWAY_TOKEN"]) {
    expect(names).not.toContain(name);
  }
  for (const name of ["PATH", "HOME", "OPENCLAW_STATE_DIR", "GH_TOKEN", "OPENCLAW_SHELL"])
    expect(names).toContain(name);
});

test("the defender is asked about every command, and what it does not allow is not run", async () => {
  await using bench = new ExecBench();
  await bench.exec("echo hi", { env: { A: "1" } });
  const host = "gateway" as const;
  expect(bench.judged).toEqual([{ kind: "command", command: "echo hi", cwd: bench.workspace, env: { A: "1" }, host }]);
  bench.verdict = { verdict: "block", score: 100, findings: [{ id: "x", score: 100, reason: "It deletes disks." }] };
  expect(textOf(await bench.exec("touch ran"))).toContain("It deletes disks.");
  expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
});

test("commands that are for people are not run", async () => {
  await using bench = new ExecBench();
  for (const command of ["/approve x allow-once", "openclaw channels login", "cd / && openclaw channels login -v"]) {
    expect(await bench.exec(command)).toMatchObject({ isError: true, details: { status: "error" } });
  }
  expect(bench.judged).toEqual([]);
});

test("a policy that denies, sandboxes for sessions without and nodes that are not there refuse in upstream's words", async () => {
  await using bench = new ExecBench();
  const error = async (args = {}, context = {}) => (await bench.exec("touch ran", args, context)).details!.error;
  expect(await error({ host: "sandbox" })).toContain("requires a sandbox runtime for this session");
  expect(await error({ host: "node" })).toContain("requires a paired node (none available)");
  expect(await error({ elevated: true })).toContain("Failing gates: allowFrom");
  bench.config = { tools: { exec: { mode: "deny" } } };
  expect(await error()).toBe("exec denied: host=gateway security=deny");
  expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
});
