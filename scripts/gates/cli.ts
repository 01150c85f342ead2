import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { freePort } from "../../src/parity/gateway-process.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import { configFor } from "../exercise/chat.ts";
import { GatewayProcess } from "../exercise/gateway-process.ts";
import type { Gate, GateContext } from "../gate/run.ts";

const USAGE = `arguments of the gate:
  --upstream DIR   a folder where \`npm install openclaw\` was run
  --binary PATH    the executable, dist/chela unless told`;

const TOKEN = "token-of-the-cli-gate-1234567890";

export const gate: Gate = {
  name: "cli",
  summary: "An unmodified openclaw command line against the built executable",
  async run(context) {
    const { upstream, binary } = parse(context);
    const home = mkdtempSync(join(tmpdir(), "chela-cli-"));
    const model = startModelServer();
    const port = freePort();
    const config = configFor(model.baseUrl, { port, auth: { mode: "token", token: TOKEN } });
    writeConfig(join(home, "gateway"), { ...config, logging: { file: join(home, "gateway.log") } });
    writeConfig(join(home, "client"), { gateway: { mode: "local", port, auth: { mode: "token", token: TOKEN } } });
    try {
      const gateway = await context.step("start", () =>
        GatewayProcess.start([binary, "gateway", "run"], {
          env: { HOME: join(home, "gateway"), PATH: "/usr/bin:/bin" },
        }),
      );
      try {
        await runChecks(context, new UpstreamCli(upstream, join(home, "client")));
      } finally {
        await gateway.stop();
      }
    } finally {
      await model.close();
      rmSync(home, { recursive: true, force: true });
    }
  },
};

function parse({ args, root }: GateContext): { upstream: string; binary: string } {
  const value = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const upstream = value("--upstream");
  if (upstream === undefined) throw new Error(`which openclaw?\n${USAGE}`);
  const binary = resolve(value("--binary") ?? join(root, "dist", "chela"));
  if (!existsSync(binary)) throw new Error(`${binary} is not there; run \`npm run build\` first`);
  return { upstream: resolve(upstream), binary };
}

function writeConfig(home: string, config: object): void {
  mkdirSync(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
}

interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Upstream's own command line, in a home of its own. */
class UpstreamCli {
  private readonly path: string;

  constructor(
    private readonly folder: string,
    private readonly home: string,
  ) {
    this.path = join(folder, "node_modules", ".bin", "openclaw");
    if (!existsSync(this.path)) throw new Error(`${this.path} is not there`);
  }

  async run(...words: string[]): Promise<Ran> {
    // A Node that is installed beside it is the one it asks for.
    const own = join(this.folder, "node_modules", "node", "bin");
    const env = { HOME: this.home, NO_COLOR: "1", PATH: [own, dirname(this.path), process.env.PATH].join(":") };
    const child = Bun.spawn([this.path, ...words], {
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: 120_000,
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out: out.trim(), err: err.trim() };
  }

  /** What a command prints. @throws Error when it does not end with 0 */
  async text(...words: string[]): Promise<string> {
    const { code, out, err } = await this.run(...words);
    if (code !== 0) throw new Error(`openclaw ${words.join(" ")} ended with ${code}: ${err || out}`);
    return out;
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  async json(...words: string[]): Promise<any> {
    return JSON.parse(await this.text(...words, "--json"));
  }
}

function must(condition: unknown, what: unknown): void {
  if (!condition) throw new Error(typeof what === "string" ? what : JSON.stringify(what).slice(0, 500));
}

async function runChecks(context: GateContext, cli: UpstreamCli): Promise<void> {
  const checks: Readonly<Record<string, () => Promise<void>>> = {
    "gateway call health": async () => must((await cli.json("gateway", "call", "health")).ok, "not ok"),
    "gateway health": async () => must(/OK \(\d+ms\)/.test(await cli.text("gateway", "health")), "no OK"),
    health: async () => {
      const text = await cli.text("health");
      for (const words of ["Gateway event loop: ", "Agents: main (default)", "Session store (main): "])
        must(text.includes(words), text);
    },
    "agent --message": async () =>
      must((await cli.text("agent", "--message", "hi there")) === "echo: hi there", "another answer"),
    "agent --json in a session": async () => {
      const answer = await cli.json("agent", "--message", "again", "--session-key", "agent:main:cli-gate");
      must(answer.status === "ok" && answer.result.payloads[0].text === "echo: again", answer);
    },
    status: async () => must(/reachable \d+ms/.test(await cli.text("status")), "not reachable"),
    "status --json": async () => {
      const status = await cli.json("status");
      must(status.gateway.reachable && status.sessions.byAgent[0].count === 2, status.gateway);
    },
    "status --deep": async () => must((await cli.text("status", "--deep")).includes("Health"), "no health"),
    "sessions (its own store)": async () => must((await cli.json("sessions")).count === 0, "sessions out of nothing"),
    "gateway call sessions.list": async () => {
      const { sessions } = await cli.json("gateway", "call", "sessions.list");
      must(
        sessions.some(({ key }: { key: string }) => key === "agent:main:cli-gate"),
        sessions,
      );
    },
    "gateway call chat.history": async () => {
      const params = JSON.stringify({ sessionKey: "agent:main:cli-gate" });
      const { messages } = await cli.json("gateway", "call", "chat.history", "--params", params);
      must(messages.length === 2, messages);
    },
    "gateway status --require-rpc": async () =>
      must((await cli.json("gateway", "status", "--require-rpc")).rpc.ok, "no answer"),
    "gateway probe": async () => must((await cli.json("gateway", "probe")).ok, "no answer"),
    "devices list": async () => must(Array.isArray((await cli.json("devices", "list")).paired), "no list"),
    "system presence": async () => must((await cli.json("system", "presence"))[0].reason === "self", "no self"),
    logs: async () => must((await cli.text("logs", "--limit", "5", "--json")).startsWith("{"), "no lines"),
    "a wrong token is refused": async () => {
      const words = ["gateway", "call", "status", "--token", "wrong", "--json"];
      const { code, out } = await cli.run(...words);
      must(code === 1 && JSON.parse(out).error.details.code === "AUTH_TOKEN_MISMATCH", out);
    },
    "an unknown method is named": async () => {
      const { code, err } = await cli.run("gateway", "call", "no.such.method");
      must(code === 1 && err.includes("unknown method: no.such.method"), err);
    },
  };
  context.log(await cli.text("--version"));
  for (const [name, check] of Object.entries(checks)) await context.check(`openclaw ${name}`, check);
}
