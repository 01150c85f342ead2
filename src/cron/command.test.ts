import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, runCommand } from "./command.ts";
import { type CronGateway, startCronGateway, turnJob } from "./testing.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-command-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const never = new AbortController().signal;
const shell = (script: string, more: object = {}): Command => ({
  kind: "command",
  argv: ["sh", "-c", script],
  ...more,
});
const run = (payload: Command, signal: AbortSignal = never) => runCommand(payload, folder, signal);

/** Whether a process is there and has not only been left unburied. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

test("what a command says is its result, both outputs told apart", async () => {
  expect(await run(shell("echo out"))).toMatchObject({ status: "ok", summary: "out", text: "out" });
  expect(await run(shell("echo err >&2"))).toMatchObject({ status: "ok", summary: "err" });
  const both = await run(shell("echo out; echo err >&2; exit 3"));
  expect(both).toMatchObject({
    status: "error",
    error: "command exited with code 3",
    summary: "stdout:\nout\n\nstderr:\nerr",
  });
  expect(both.diagnostics!.entries[0]).toMatchObject({ source: "exec", exitCode: 3, truncated: false });
});

test("it gets its words as they are, its input, its folder and its variables", async () => {
  const words: Command = { kind: "command", argv: ["printf", "%s|", "$HOME", "; echo x", "*"] };
  expect((await run(words)).text).toBe("$HOME|; echo x|*|");
  expect((await run(shell("cat; pwd; echo $FOO", { input: "in\n", env: { FOO: "bar" } }))).text).toBe(
    `in\n${folder}\nbar`,
  );
});

test("no more output is kept than it may have, and its end counts", async () => {
  const ended = await run(shell("printf abcdefghij", { outputMaxBytes: 4 }));
  expect(ended.text).toBe("ghij");
  expect(ended.diagnostics!.entries[0]).toMatchObject({ truncated: true });
  const much = await run(shell("yes | head -c 3000000; echo end", { outputMaxBytes: 10 }));
  expect(much.text!.endsWith("end")).toBe(true);
  expect(Buffer.byteLength(much.text!)).toBeLessThanOrEqual(10);
});

test("a program that is not there, and a signal, are said", async () => {
  expect(await run({ kind: "command", argv: ["/nonexistent/program"] })).toMatchObject({
    status: "error",
    error: "Command failed during launch or output capture (ENOENT)",
  });
  expect(await run(shell("kill -9 $$"))).toMatchObject({ error: "command stopped by signal SIGKILL" });
});

test("attack 87: all that came of a command is ended with its time, whatever group it went to", async () => {
  const pids = join(folder, "pids");
  // One child in the background, one in a session of its own; neither minds a gentle signal.
  const script = `trap '' TERM; (trap '' TERM; sleep 60) & echo $! > ${pids}; setsid sh -c 'trap "" TERM; sleep 60' & echo $! >> ${pids}; wait`;
  const ended = await run(shell(`echo begun; ${script}`, { timeoutSeconds: 0.3 }));
  expect(ended).toMatchObject({
    status: "error",
    error: "command timed out",
    errorReason: "timeout",
    summary: "begun",
  });
  const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
  expect(started).toHaveLength(2);
  expect(started.filter(isAlive)).toEqual([]);
}, 20_000);

test("silence for too long ends it, and so does the end of the gateway", async () => {
  const quiet = await run(shell("sleep 60", { noOutputTimeoutSeconds: 0.2 }));
  expect(quiet.error).toBe("command produced no output before noOutputTimeoutSeconds");
  const stopping = new AbortController();
  const running = run(shell("sleep 60"), stopping.signal);
  stopping.abort();
  expect(await running).toMatchObject({ status: "error", interrupted: true });
});

test("attack 82: variables that steer programs are not inherited and cannot be set", async () => {
  process.env.NODE_OPTIONS = "--require /evil.js";
  process.env.OPENCLAW_GATEWAY_TOKEN = "secret-of-the-gateway";
  try {
    const { text } = await run(shell("env"));
    expect(text).not.toContain("/evil.js");
    expect(text).not.toContain("secret-of-the-gateway");
    expect(text).toContain("PATH=");
  } finally {
    delete process.env.NODE_OPTIONS;
    delete process.env.OPENCLAW_GATEWAY_TOKEN;
  }
  for (const name of ["LD_PRELOAD", "BASH_ENV", "BUN_OPTIONS", "node_options", "A=B"]) {
    expect((await run(shell("env", { env: { [name]: "x" } }))).error).toContain(`may not set ${name}`);
  }
});

test("a job runs its command, tells its output and keeps it in its history; bad variables are refused at once", async () => {
  const gateway: CronGateway = await startCronGateway();
  try {
    const { client } = gateway;
    const payload = { kind: "command", argv: ["echo", "done"] };
    const { id } = await client.call("cron.add", turnJob({ payload }));
    await client.call("cron.run", { id });
    const { entries } = await gateway.ran(id);
    expect(entries[0]).toMatchObject({ status: "ok", completionStatus: "succeeded", summary: "done" });
    const bad = turnJob({ payload: { ...payload, env: { LD_PRELOAD: "/x.so" } } });
    expect((await client.request("cron.add", bad)).error.message).toContain("may not set LD_PRELOAD");
  } finally {
    await gateway.stop();
  }
});
