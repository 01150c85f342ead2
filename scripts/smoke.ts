import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../src/parity/gateway-process.ts";
import { startModelServer } from "../src/parity/model-server.ts";
import { OfficialClient } from "../src/parity/official-client.ts";
import { chat, configFor, connectTo } from "./exercise/chat.ts";
import { GatewayProcess } from "./exercise/gateway-process.ts";

/** What must hold of the built executable, as a user meets it: in a home of its own, with nothing but its file. */
class Smoke {
  readonly home = mkdtempSync(join(tmpdir(), "chela-smoke-"));
  readonly env = { HOME: this.home, PATH: "/usr/bin:/bin", OPENCLAW_GATEWAY_PORT: "" };
  readonly state = join(this.home, ".openclaw");
  private readonly started: GatewayProcess[] = [];

  constructor(readonly executable: string) {}

  /** Runs the executable to its end. */
  async run(args: string[], { cwd = this.home, env = {}, program = this.executable }: RunOptions = {}): Promise<Ran> {
    const child = Bun.spawn([program, ...args], {
      cwd,
      env: { ...this.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out: out.trim(), err: err.trim() };
  }

  /** Like {@link run}. @throws when the exit code is not 0 */
  async ok(args: string[], options: RunOptions = {}): Promise<string> {
    const { code, out, err } = await this.run(args, options);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${err || out}`);
    return out;
  }

  async start(args: string[] = [], env: Record<string, string> = {}): Promise<GatewayProcess> {
    const command = [this.executable, "gateway", "run", "--port", String(freePort()), ...args];
    const gateway = await GatewayProcess.start(command, { env: { ...this.env, ...env }, cwd: this.home });
    this.started.push(gateway);
    return gateway;
  }

  /** Ends what a failed check has left at work, and removes the home. */
  async leave(): Promise<void> {
    for (const gateway of this.started) await gateway.stop("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }
}

interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  program?: string;
}

interface Ran {
  code: number;
  out: string;
  err: string;
}

function expect(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

const CHECKS: Readonly<Record<string, (smoke: Smoke) => Promise<void>>> = {
  "says its version": async (smoke) => {
    expect(
      /^Chela \d+\.\d+\.\d+ \(OpenClaw [\d.]+\)$/.test(await smoke.ok(["--version"])),
      "the version looks otherwise",
    );
    const link = join(smoke.home, "openclaw");
    symlinkSync(smoke.executable, link);
    expect(
      (await smoke.ok(["--version"], { program: link })).startsWith("OpenClaw 20"),
      "a link called openclaw speaks otherwise",
    );
  },

  "helps, with examples": async (smoke) => {
    const all = await smoke.ok(["--help"]);
    for (const word of ["gateway", "health", "status", "agent", "sessions"])
      expect(all.includes(word), `no word of ${word}`);
    expect((await smoke.ok(["gateway", "run", "--help"])).includes("Examples:"), "no examples");
  },

  "loads every chunk": async (smoke) => {
    const out = await smoke.ok(["debug", "load-chunks"]);
    const [, loaded, all] = /^(\d+) of (\d+) chunks/m.exec(out) ?? [];
    expect(loaded === all && Number(all) > 5, out);
  },

  "reads neither .env nor bunfig.toml of the folder it is started in": async (smoke) => {
    const cwd = join(smoke.home, "hostile");
    mkdirSync(cwd);
    writeFileSync(join(cwd, ".env"), "OPENCLAW_STATE_DIR=/hostile\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./evil.js"]\n');
    writeFileSync(join(cwd, "evil.js"), "console.log('preloaded')");
    const out = await smoke.ok(["gateway", "status", "--no-probe"], { cwd });
    expect(!out.includes("hostile/") && !out.includes("/hostile") && !out.includes("preloaded"), out);
  },

  "makes no code from strings, whatever the environment says": async (smoke) => {
    const refused = await smoke.ok(["debug", "code-from-strings"]);
    expect(refused.includes("refused"), refused);
    const evil = join(smoke.home, "evil.js");
    writeFileSync(evil, "console.log('preloaded')");
    const { out } = await smoke.run(["--version"], { env: { BUN_OPTIONS: `--preload ${evil}` } });
    expect(!out.includes("preloaded"), "BUN_OPTIONS got code in");
  },

  "starts without a config, makes a token and keeps it": async (smoke) => {
    const first = await smoke.start();
    const token = first.printedToken;
    expect(token !== undefined && token.length >= 40, "no token was printed");
    expect(first.url.startsWith("ws://127.0.0.1:"), `it listens on ${first.url}`);
    expect(mode(smoke.state) === "700", `the state directory is ${mode(smoke.state)}`);
    const config = join(smoke.state, "openclaw.json");
    expect(existsSync(config) && mode(config) === "600", "the token is not kept, or not for its owner alone");
    const port = ["--port", new URL(first.url).port];
    expect((await smoke.ok(["gateway", "health", ...port])).includes("OK"), "gateway health does not find the token");
    const rival = await smoke.run(["gateway", "run", "--port", String(freePort())]);
    expect(rival.code === 1 && rival.err.includes("already works on"), `a second gateway: ${rival.code} ${rival.err}`);
    expect((await first.stop()) === 0, "SIGTERM did not end it with 0");
    const again = await smoke.start();
    expect(again.printedToken === undefined, "the token was printed again");
    const client = await connectTo(again.url, token);
    await client.stop();
    expect((await again.stop("SIGINT")) === 0, "SIGINT did not end it with 0");
  },

  "ends with 78 on a broken config": async (smoke) => {
    const config = join(smoke.home, "broken.json");
    writeFileSync(config, "{\n  gateway: {,\n}");
    const { code, err } = await smoke.run(["gateway", "run"], { env: { OPENCLAW_CONFIG_PATH: config } });
    expect(code === 78 && err.includes("broken.json:2"), `${code} ${err}`);
  },

  "chats through a model and remembers after kill -9": async (smoke) => {
    const model = startModelServer();
    const state = join(smoke.home, "chat");
    mkdirSync(state, { mode: 0o700 });
    writeFileSync(
      join(state, "openclaw.json"),
      JSON.stringify(configFor(model.baseUrl, { auth: { token: "smoke-token" } })),
    );
    const env = { OPENCLAW_STATE_DIR: state };
    try {
      const gateway = await smoke.start([], env);
      const client = await connectTo(gateway.url, "smoke-token");
      const { answer, deltas } = await chat(client, "main", "SLOW:20 one two three four");
      expect(answer === "echo: one two three four", `the answer was ${answer}`);
      expect(deltas.length > 1, "the answer came in one piece");
      await officialChat(gateway.url, "five six");
      gateway.kill("SIGKILL");
      await client.stop();
      const again = await smoke.start([], env);
      const reader = await OfficialClient.connect({ url: again.url, token: "smoke-token" });
      const { messages } = await reader.request("chat.history", { sessionKey: "main" });
      const texts = JSON.stringify(messages);
      reader.stop();
      for (const text of ["echo: one two three four", "echo: five six"]) {
        expect(texts.includes(text), `${text} is missing after the restart: ${texts}`);
      }
      const port = { OPENCLAW_GATEWAY_PORT: new URL(again.url).port, ...env };
      const spoken = await smoke.ok(["agent", "--message", "hello there"], { env: port });
      expect(spoken === "echo: hello there", `agent said ${spoken}`);
      const listed = await smoke.ok(["sessions", "--json"], { env: port });
      expect(
        JSON.parse(listed).sessions.some(({ key }: { key: string }) => key === "agent:main:main"),
        listed,
      );
      expect((await again.stop()) === 0, "SIGTERM did not end it with 0");
    } finally {
      await model.close();
    }
  },
};

/** One message through the client that the OpenClaw project publishes; returns once the last frame has come. */
async function officialChat(url: string, message: string): Promise<void> {
  const client = await OfficialClient.connect({ url, token: "smoke-token" });
  await client.request("chat.send", { sessionKey: "main", message, idempotencyKey: message });
  await client.event("chat", ({ runId, state }) => runId === message && state === "final");
  client.stop();
}

/** usage: smoke.ts [EXECUTABLE] */
async function main(executable: string): Promise<number> {
  if (!existsSync(executable)) throw new Error(`${executable} is not there; run \`npm run build\` first`);
  const smoke = new Smoke(executable);
  let failed = 0;
  try {
    for (const [name, check] of Object.entries(CHECKS)) {
      const started = performance.now();
      try {
        await check(smoke);
        console.log(`ok      ${name} (${Math.round(performance.now() - started)} ms)`);
      } catch (error) {
        failed++;
        console.log(`FAILED  ${name}\n        ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    await smoke.leave();
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exit(await main(resolve(Bun.argv[2] ?? join(import.meta.dir, "..", "dist", "chela"))));
