import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PICTURE } from "./testing/answers.ts";
import { inner, isAlive, McpBench, stdio, subject, until } from "./testing/bench.ts";

const OWN = ["demo__echo", "demo__odd-name-", "demo__camelCase", "demo__fail", "demo__refuse", "demo__picture"];

const pidFile = () => join(mkdtempSync(join(tmpdir(), "mcp-")), "pids");
const pidsIn = (file: string) => readFileSync(file, "utf8").trim().split("\n").map(Number);

test("a server is started when its tools are first asked for, and each session has its own", async () => {
  const file = pidFile();
  await using bench = new McpBench({ demo: stdio({ toolFilter: { exclude: ["hid*"] } }, file) });
  expect(await Bun.file(file).exists()).toBe(false);
  const names = await bench.names();
  expect(names.slice(0, 6)).toEqual(OWN);
  expect(names.slice(-4)).toEqual([
    "demo__resources_list",
    "demo__resources_read",
    "demo__prompts_list",
    "demo__prompts_get",
  ]);
  expect(names).not.toContain("demo__hidden");
  await bench.names();
  expect(pidsIn(file).length).toBe(1);
  await bench.names("agent:main:other");
  expect(new Set(pidsIn(file)).size).toBe(2);
});

test("tools answer with a stranger's words, marked; pictures stay pictures", async () => {
  await using bench = new McpBench({ demo: stdio() });
  const { content, details } = await bench.run("demo__echo", { text: "hi" });
  const { text } = content[0] as { text: string };
  expect(text).toContain("Source: MCP Server\nTask: demo\n---\necho: hi\n<<<END_EXTERNAL");
  expect(details).toEqual({ mcpServer: "demo", mcpTool: "echo" });
  expect(await bench.said("demo__odd-name-")).toBe("called odd name!");
  expect(await bench.said("demo__camelCase")).toBe('{\n  "only": "structure"\n}');
  const failed = await bench.run("demo__fail");
  expect([failed.isError, inner((failed.content[0] as { text: string }).text)]).toEqual([true, "it did not work"]);
  await expect(bench.run("demo__refuse")).rejects.toThrow(/refuses the call[\s\S]*not with these\n<<<END_EXTERNAL/);
  const { content: mixed } = await bench.run("demo__picture");
  expect(mixed[1]).toEqual({ type: "image", data: PICTURE, mimeType: "image/png" });
  expect(inner((mixed[0] as { text: string }).text)).toBe(
    "inside\n\nResource b: demo://b\n\n[Content of a kind that cannot be shown: audio audio/wav]",
  );
  expect(JSON.parse(await bench.said("demo__resources_list")).resources[0].uri).toBe("demo://a");
  expect(await bench.said("demo__resources_read", { uri: "demo://a" })).toBe("content of demo://a");
  expect(await bench.said("demo__prompts_get", { name: "p" })).toBe("user: prompt p");
});

test("45: a server gets none of the gateway's secrets, and no variable that changes what programs run", async () => {
  const env = { TOKEN: "t", BUN_BE_BUN: "1", NODE_OPTIONS: "--x", LD_PRELOAD: "/x.so", PATH: "/evil", "BAD NAME": "x" };
  const gateway = { PATH: process.env.PATH, HOME: "/", OPENCLAW_GATEWAY_TOKEN: "secret", BRAVE_API_KEY: "secret" };
  await using bench = new McpBench({ demo: stdio({ env, cwd: "/" }) }, {}, gateway);
  const { cwd, env: seen } = JSON.parse(await bench.said("demo__where"));
  expect(cwd).toBe("/");
  const { CHELA_MCP_ID, PWD, ...rest } = seen;
  expect(rest).toEqual({ TOKEN: "t", PATH: process.env.PATH, HOME: "/" });
  expect(bench.logged.find((line) => line.includes("BUN_BE_BUN"))).toContain("LD_PRELOAD");
});

test("87: all that came of a server ends with its session, and with the gateway", async () => {
  const bench = new McpBench({ demo: stdio() });
  const first = (await bench.said("demo__child")).split(" ").map(Number);
  expect(first.length).toBe(3);
  for (const pid of first) expect(await isAlive(pid)).toBe(true);
  bench.bus.publish("sessions.changed", { sessionKey: "agent:main:main", reason: "reset" });
  await until(async () => !(await Promise.all(first.map(isAlive))).includes(true));
  const second = (await bench.said("demo__child")).split(" ").map(Number);
  expect(second[0]).not.toBe(first[0]);
  await bench.servers.stop();
  expect(await Promise.all(second.map(isAlive))).toEqual([false, false, false]);
  expect(await bench.names()).toEqual([]);
});

test("a server that breaks is started again after a while that grows", async () => {
  const file = pidFile();
  await using bench = new McpBench({ demo: stdio({}, file) });
  await expect(bench.run("demo__crash")).rejects.toThrow('The MCP server "demo" failed: it has ended (3).');
  expect(await bench.names()).toEqual([]);
  bench.clock.advance(1000);
  expect(await bench.said("demo__echo", { text: "again" })).toBe("echo: again");
  expect(pidsIn(file).length).toBe(2);
  bench.configure({ demo: { command: "/nowhere/at/all" } });
  for (const waitMs of [1000, 2000, 4000]) {
    expect(await bench.names()).toEqual([]);
    expect(bench.logged.at(-1)).toContain(`"nextTryInMs":${waitMs}`);
    const before = bench.logged.length;
    bench.clock.advance(waitMs - 1);
    await bench.names();
    expect(bench.logged.length).toBe(before);
    bench.clock.advance(1);
  }
  expect(bench.logged.join()).toContain("it cannot be started (ENOENT)");
});

test("a request ends with its run or its time, and a server that stays silent gets a fresh start", async () => {
  const file = pidFile();
  await using bench = new McpBench({ demo: stdio({ requestTimeoutMs: 150 }, file) });
  const stop = new AbortController();
  await bench.names();
  const call = bench.run("demo__silent", {}, { signal: stop.signal });
  stop.abort(new Error("stopped"));
  await expect(call).rejects.toThrow("stopped");
  const tool = (await bench.tools()).find(({ name }) => name === "demo__silent")!;
  const context = { signal: new AbortController().signal } as never;
  for (let round = 0; round < 3; round++) await expect(tool.run({}, context)).rejects.toThrow("did not answer in time");
  await expect(tool.run({}, context)).rejects.toThrow("let rest");
  bench.clock.advance(1000);
  expect(await bench.said("demo__echo", { text: "x" })).toBe("echo: x");
  expect(pidsIn(file).length).toBe(2);
});

test("a list of tools that changed is asked for again, and what was not asked for is not shown", async () => {
  await using bench = new McpBench({ demo: stdio({ toolFilter: { include: ["grow*", "echo"] } }) });
  expect(await bench.names()).toEqual(["demo__echo", "demo__grow"]);
  await bench.said("demo__grow");
  await until(async () => (await bench.names()).includes("demo__grown"));
});

test("a tool whose description gives orders is held back, and one without bounds left out", async () => {
  await using bench = new McpBench({ demo: stdio() });
  const names = await bench.names();
  expect(names).not.toContain("demo__obey");
  expect(names).not.toContain("demo__huge");
  expect(bench.logged.filter((line) => /holds back|too many/.test(line)).length).toBe(2);
});

test("servers whose settings stay go on when others change", async () => {
  const file = pidFile();
  const [kept, gone] = [stdio({}, file), stdio()];
  await using bench = new McpBench({ kept, gone });
  expect(new Set((await bench.names()).map((name) => name.split("__")[0]))).toEqual(new Set(["kept", "gone"]));
  bench.configure({ kept, off: { ...gone, enabled: false }, none: {} });
  expect(new Set((await bench.names()).map((name) => name.split("__")[0]))).toEqual(new Set(["kept"]));
  expect(pidsIn(file).length).toBe(1);
  expect(bench.logged.join()).toContain("it has neither a command nor a url");
});

test("a server of a session that was not used for long enough ends, where the configuration says so", async () => {
  await using bench = new McpBench({ demo: stdio() }, { sessionIdleTtlMs: 5000 });
  await bench.names();
  bench.clock.advance(4999);
  bench.servers.sweep();
  expect(bench.servers.waiting(subject())).toEqual([]);
  bench.clock.advance(1);
  bench.servers.sweep();
  expect(bench.servers.waiting(subject())).toEqual(["demo"]);
});

test("a subagent's servers end when its work is done for a while, and a person's session keeps its own", async () => {
  await using bench = new McpBench({ demo: stdio() });
  const keys = ["agent:main:subagent:1", "agent:main:main"];
  for (const key of keys) await bench.names(key);
  bench.clock.advance(300_000);
  bench.servers.sweep();
  expect(keys.map((key) => bench.servers.waiting(subject(key)))).toEqual([["demo"], []]);
});

test("too many sessions: the one used longest ago loses its servers", async () => {
  await using bench = new McpBench({ demo: stdio() }, {}, process.env, { mcpSessionsMax: 2 });
  for (const key of ["a", "b", "a", "c"]) await bench.names(`agent:main:${key}`);
  const waiting = ["a", "b", "c"].map((key) => bench.servers.waiting(subject(`agent:main:${key}`)).length);
  expect(waiting).toEqual([0, 1, 0]);
});

test("a program that speaks no MCP is told apart, however much it says", async () => {
  const sh = (script: string) => ({ command: "sh", args: ["-c", script], connectionTimeoutMs: 3000 });
  await using bench = new McpBench({
    words: sh("echo hello; cat >/dev/null"),
    flood: sh("head -c 6000000 /dev/zero; cat >/dev/null"),
    short: sh("exit 0"),
    old: sh(`read line; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"1999-01-01"}}'; cat >/dev/null`),
  });
  expect(await bench.names()).toEqual([]);
  for (const reason of [
    /what is no JSON/,
    /too much in one line/,
    /it has ended \(0\)|it takes no input/,
    /another version/,
  ])
    expect(bench.logged.join("\n")).toMatch(reason);
});
