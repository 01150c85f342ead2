import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ExecBench, textOf, until } from "./testing.ts";

test("a background command outlives its call and is read later", async () => {
  await using bench = new ExecBench();
  const started = await bench.exec("sleep 1.5; echo late; exit 4", { background: true });
  const id = started.details!.sessionId as string;
  expect(textOf(started)).toStartWith(
    `Command still running (session ${id}, pid ${started.details!.pid}). Use process`,
  );
  expect(textOf(await bench.process("list"))).toMatch(new RegExp(`^${id} running   \\d+m?s :: sleep 1.5;$`));
  expect(textOf(await bench.process("poll", id))).toBe("(no new output)\n\nProcess still running.");
  const last = await bench.process("poll", id, { timeout: 20_000 });
  expect(textOf(last)).toBe("late\n\nProcess exited with code 4.");
  expect(last.details).toMatchObject({ status: "completed", exitCode: 4, aggregated: "late\n", name: "sleep 1.5;" });
  expect(textOf(await bench.process("poll", id))).toBe("(no new output)\n\nProcess exited with code 4.");
  expect(textOf(await bench.process("log", id))).toBe("late");
  expect(textOf(await bench.process("clear", id))).toBe(`Cleared session ${id}.`);
  expect(textOf(await bench.process("list"))).toBe("No running or recent sessions.");
});

test("a command that takes longer than yieldMs goes on in the background", async () => {
  await using bench = new ExecBench();
  const { details } = await bench.exec("echo q; sleep 60", { yieldMs: 300 });
  expect(details).toMatchObject({ status: "running" });
});

test("where the process tool is not offered it is waited for", async () => {
  await using bench = new ExecBench();
  const offered = new Set(["exec"]);
  expect(textOf(await bench.exec("sleep 0.2; echo done", { background: true }, { offered }))).toBe("done");
  expect(bench.processes.list("main")).toEqual([]);
});

test("an abort after that leaves it running", async () => {
  await using bench = new ExecBench();
  const abort = new AbortController();
  const { details } = await bench.exec("sleep 60", { background: true }, { signal: abort.signal });
  abort.abort();
  await Bun.sleep(50);
  expect(bench.processes.find("main", details!.sessionId as string)?.isRunning).toBe(true);
});

test("kill ends it, and that is no failure", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("echo one; sleep 60");
  const session = bench.processes.find("main", id)!;
  await until(() => !session.output.isEmpty);
  expect(textOf(await bench.process("kill", id))).toBe(`Termination requested for session ${id}.`);
  const ended = await bench.process("poll", id, { timeout: 20_000 });
  expect(textOf(ended)).toEndWith("Process stopped by request (signal SIGTERM).");
  expect(ended).toMatchObject({ details: { status: "completed", exitReason: "manual-cancel" } });
  expect(ended.isError).toBeUndefined();
  expect(textOf(await bench.process("list"))).toContain(`${id} failed `);
  expect(textOf(await bench.process("kill", id))).toBe(`No active session found for ${id}`);
  expect(textOf(await bench.process("remove", id))).toBe(`Removed session ${id}.`);
  expect(bench.notes).toEqual([]);
});

test("remove hides a running one at once and ends it", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("sleep 60");
  const session = bench.processes.find("main", id)!;
  expect(textOf(await bench.process("remove", id))).toBe(`Removed session ${id} (termination requested).`);
  expect(textOf(await bench.process("list"))).toBe("No running or recent sessions.");
  expect(await session.ended).toMatchObject({ reason: "manual-cancel" });
  expect(bench.processes.running()).toEqual([]);
});

test("timeouts count in the background, too", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("echo a; sleep 60", { timeoutSeconds: 1.5 });
  await bench.processes.find("main", id)!.ended;
  const ended = await bench.process("poll", id);
  expect(textOf(ended)).toStartWith("a\n\nProcess exited with signal SIGTERM.\n\nThe command was terminated");
  expect(ended).toMatchObject({ isError: true, details: { status: "failed", timedOut: true } });
  expect(textOf(await bench.process("list"))).toContain(" [overall-timeout] :: echo a;");
});

test("what is not there is said so", async () => {
  await using bench = new ExecBench();
  const said = async (action: string, id?: string) => textOf(await bench.process(action, id));
  expect(await said("poll")).toBe("sessionId is required for this action.");
  for (const action of ["poll", "log", "remove"]) expect(await said(action, "x")).toBe("No session found for x");
  for (const action of ["kill", "write", "submit"])
    expect(await said(action, "x")).toBe("No active session found for x");
  expect(await said("clear", "x")).toBe("No finished session found for x");
  const id = await bench.begin("sleep 60");
  expect(await said("clear", id)).toBe(`No finished session found for ${id}`);
  for (const action of ["write", "submit", "paste", "send-keys"]) {
    expect(await said(action, id)).toBe(`Session ${id} stdin is not writable.`);
  }
});

test("another agent's commands are not to be seen", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("sleep 60");
  const other = { agentId: "other" };
  expect(textOf(await bench.call("process", { action: "list" }, other))).toBe("No running or recent sessions.");
  const kill = await bench.call("process", { action: "kill", sessionId: id }, other);
  expect(textOf(kill)).toBe(`No active session found for ${id}`);
});

test("a log is read by lines", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("seq 1 300");
  await bench.processes.find("main", id)!.ended;
  const log = async (args = {}) => textOf(await bench.process("log", id, args));
  expect(await log()).toMatch(/^101\n[\d\n]+\n300\n\n\[showing last 200 of 300 lines; pass offset\/limit to page\]$/);
  expect(await log({ offset: 10, limit: 3 })).toBe("11\n12\n13");
  expect(await log({ offset: 298 })).toBe("299\n300");
  expect(await log({ limit: 2 })).toBe("299\n300");
  expect(await log({ offset: 1000 })).toBe("(no output recorded)");
});

test("a terminal is a real one: it echoes, is typed into, sends signals and ends with its input", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("tty; trap 'echo caught' INT; cat; echo end", { pty: true });
  const session = bench.processes.find("main", id)!;
  await until(() => session.output.all.includes("/dev/pts/"));
  expect(textOf(await bench.process("write", id, { data: "abc\n" }))).toBe(`Wrote 4 bytes to session ${id}.`);
  await until(() => session.output.all.includes("abc\r\nabc"));
  const keys = await bench.process("send-keys", id, { literal: "l", hex: ["c3", "a9", "zz"], keys: ["x", "Enter"] });
  expect(textOf(keys)).toBe(`Sent 5 bytes to session ${id}.\nWarnings:\n- Invalid hex byte: zz`);
  await until(() => session.output.all.includes("léx\r\nléx"));
  expect(textOf(await bench.process("paste", id, { text: "p" }))).toBe(`Pasted 1 chars to session ${id}.`);
  expect(textOf(await bench.process("submit", id))).toBe(`Submitted session ${id} (sent CR).`);
  expect(textOf(await bench.process("send-keys", id, {}))).toBe("No key data provided.");
  expect(textOf(await bench.process("log", id))).not.toContain("\r");
  const written = await bench.process("write", id, { data: "last\n", eof: true });
  expect(textOf(written)).toBe(`Wrote 5 bytes to session ${id} (stdin closed).`);
  expect(await session.ended).toMatchObject({ code: 0 });
  expect(session.output.all).toEndWith("last\r\nend\r\n");
});

test("lines that are typed are shown to the defender, however they were typed", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("sh", { pty: true });
  const judged = () => bench.judged.map((action) => (action as { command: string }).command);
  await bench.process("send-keys", id, { literal: "echo", keys: ["Space", "a"] });
  expect(judged()).toEqual(["sh"]);
  await bench.process("submit", id);
  await bench.process("write", id, { data: "echo b\necho" });
  expect(judged()).toEqual(["sh", "echo a", "echo b"]);
  bench.verdict = { verdict: "block", score: 100, findings: [{ id: "x", score: 100, reason: "No." }] };
  const refused = await bench.process("write", id, { data: " bad; touch ran\n" });
  expect(textOf(refused)).toBe("exec denied by the defender. No.");
  expect(judged().at(-1)).toBe("echo bad; touch ran");
  expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
});

test("Control and C in a terminal interrupts", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("echo ready; sleep 60", { pty: true });
  const session = bench.processes.find("main", id)!;
  await until(() => session.output.all.includes("ready"));
  await bench.process("send-keys", id, { keys: ["C-c"] });
  const { reason } = await session.ended;
  expect(["signal", "exit"]).toContain(reason);
});

test("the end wakes the session that began it, with the last words", async () => {
  await using bench = new ExecBench();
  const id = await bench.begin("echo done; exit 2");
  await until(() => bench.woken.length > 0);
  expect(bench.woken).toEqual(["agent:main:main"]);
  const text = `Exec completed (${id.slice(0, 8)}, code 2) :: done`;
  expect(bench.notes).toEqual([{ sessionKey: "agent:main:main", text, trusted: false }]);
});

test("nobody is woken for a success without words, for subagents, or when that is switched off", async () => {
  await using bench = new ExecBench();
  await bench.processes.find("main", await bench.begin("true"))!.ended;
  bench.config = { tools: { exec: { notifyOnExit: false } } };
  await bench.processes.find("main", await bench.begin("echo x"))!.ended;
  bench.config = {};
  await bench.exec("echo y", { background: true }, { sessionKey: "agent:main:subagent:1" });
  await until(() => bench.notes.length > 0);
  expect(bench.notes.map(({ sessionKey }) => sessionKey)).toEqual(["agent:main:subagent:1"]);
  expect(bench.woken).toEqual([]);
});

test("as many as there may be are started, and only so many ended ones are remembered", async () => {
  await using bench = new ExecBench({ execRunningMax: 2, execFinishedMax: 3 });
  await bench.begin("sleep 60");
  await bench.begin("sleep 60");
  await expect(bench.exec("true")).rejects.toThrow("Too many commands are running.");
  await Promise.all(bench.processes.running().map((session) => session.stop("manual-cancel")));
  for (let i = 0; i < 5; i++) await bench.processes.find("main", await bench.begin("true"))!.ended;
  expect(bench.processes.list("main")).toHaveLength(3);
});

test("a stop of the gateway leaves nothing running and starts nothing", async () => {
  const bench = new ExecBench();
  const id = await bench.begin("trap '' TERM; sleep 60");
  const session = bench.processes.find("main", id)!;
  await bench.processes.stop();
  expect(session.ending).toMatchObject({ reason: "gateway-stop" });
  await expect(bench.exec("true")).rejects.toThrow("The gateway is stopping");
  await bench[Symbol.asyncDispose]();
});
