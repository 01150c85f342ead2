import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { greet, ScriptedGateway } from "../client/testing.ts";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
import { type ModelServer, startModelServer } from "../parity/model-server.ts";
import { cli } from "./testing.ts";

const home = mkdtempSync(join(tmpdir(), "chela-agent-"));
let model: ModelServer;
let gateway: TestGateway;
let env: Record<string, string>;

beforeAll(async () => {
  model = startModelServer();
  const mock = {
    baseUrl: model.baseUrl,
    apiKey: "x",
    api: "openai-completions",
    models: [{ id: "mock-1", name: "mock-1" }],
  };
  gateway = await startTestGateway({
    config: { agents: { defaults: { model: { primary: "mock/mock-1" } } }, models: { providers: { mock } } } as object,
  });
  env = { HOME: home, OPENCLAW_GATEWAY_URL: gateway.url, OPENCLAW_GATEWAY_TOKEN: gateway.token };
});
afterAll(async () => {
  await gateway.stop();
  await model.close();
  rmSync(home, { recursive: true, force: true });
});

const agent = (...words: string[]) => cli(["agent", ...words], { env });

describe("a turn", () => {
  test("prints the answer", async () => {
    expect(await agent("--message", "hello")).toEqual({ code: 0, out: "echo: hello", err: "" });
  });

  test("as JSON is the gateway's last answer", async () => {
    const { code, out } = await agent("-m", "hello", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      status: "ok",
      summary: "completed",
      result: { payloads: [{ text: "echo: hello" }] },
    });
  });

  test("goes to the session that was named", async () => {
    await agent("--message", "one", "--session-key", "agent:main:told");
    await agent("--message", "two", "--agent", "main", "--session-key", "told");
    const { out } = await cli(["sessions", "list", "--json"], { env });
    const { sessions, count } = JSON.parse(out);
    expect(sessions.filter(({ key }: { key: string }) => key.endsWith(":told"))).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ key: "agent:main:told", ageMs: expect.any(Number) });
    const table = await cli(["sessions", "--limit", "1"], { env });
    expect(table.err).toContain(`Sessions listed: 1 of ${count}`);
    expect(table.out).toMatch(/Kind +Key +Age +Model +Tokens\n\S+ +agent:main:told +just now/);
  });

  test("takes its message from a file", async () => {
    const file = join(home, "message.md");
    writeFileSync(file, "\ufefffrom a file\nwith two lines");
    expect((await agent("--message-file", file)).out).toBe("echo: from a file");
    writeFileSync(file, new Uint8Array([0x66, 0xff, 0x66]));
    expect((await agent("--message-file", file)).err).toContain("is not UTF-8 text");
  });

  test("of a model that fails ends with 1 and says which run", async () => {
    const { code, err } = await agent("--message", "FAIL:400 no such thing", "--session-key", "agent:main:failing");
    expect(code).toBe(1);
    expect(err).not.toBe("");
    const { out } = await agent("--message", "FAIL:400 no", "--session-key", "agent:main:failing", "--json");
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      runId: expect.any(String),
      origin: "gateway",
      error: { type: "cli_error" },
    });
  });
});

describe("what is refused before anybody is asked", () => {
  test("no message, two messages, blank selectors, keys of another agent", async () => {
    for (const words of [
      [],
      ["--message", "  "],
      ["--message", "a", "--message-file", "b"],
      ["--message-file", "/nonexistent"],
    ]) {
      expect((await agent(...words)).code).toBe(1);
    }
    for (const name of ["--agent", "--session-key", "--session-id", "--to"]) {
      expect((await agent("--message", "a", name, " ")).err).toContain(`${name} is empty`);
    }
    const other = await agent("--message", "a", "--agent", "ops", "--session-key", "agent:main:x");
    expect(other.err).toContain("is a session of agent main, not of ops");
  });
});

describe("a run that outlives the command", () => {
  const servers: ScriptedGateway[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  /** Accepts every run and then does what the test says. */
  function accepting(then: (request: { method: string }, socket: { close(): void }) => void): Record<string, string> {
    const server = new ScriptedGateway((request, reply, socket) => {
      greet(request, reply);
      if (request.method === "agent") reply.ok({ status: "accepted", runId: "run-1", sessionKey: "agent:main:main" });
      if (request.method === "chat.abort") reply.ok({ ok: true, aborted: true, runIds: ["run-1"] });
      then(request, socket);
    });
    servers.push(server);
    return { ...env, OPENCLAW_GATEWAY_URL: server.url };
  }

  test("because the connection broke is named", async () => {
    const env = accepting((request, socket) => request.method === "agent" && socket.close());
    const { code, err } = await cli(["agent", "--message", "a"], { env });
    expect(code).toBe(1);
    expect(err).toContain("The gateway may still be at work on run run-1.");
    const { out } = await cli(["agent", "--message", "a", "--json"], { env });
    expect(JSON.parse(out)).toMatchObject({ ok: false, runId: "run-1", origin: "gateway" });
  });

  test("because of a signal is stopped at the gateway", async () => {
    for (const [signal, exitCode] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const asked = Promise.withResolvers<void>();
      const env = accepting((request) => request.method === "agent" && asked.resolve());
      const main = join(import.meta.dir, "..", "main.ts");
      const child = Bun.spawn([process.execPath, main, "agent", "--message", "a"], {
        env,
        stdout: "ignore",
        stderr: "ignore",
      });
      await asked.promise;
      await Bun.sleep(20);
      child.kill(signal);
      expect(await child.exited).toBe(exitCode);
      expect(servers.at(-1)!.requests.at(-1)).toMatchObject({
        method: "chat.abort",
        params: { sessionKey: "agent:main:main", runId: "run-1" },
      });
    }
  });
});
