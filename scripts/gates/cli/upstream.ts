import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Side } from "./sides.ts";

/** Milliseconds until upstream's gateway is ready; it loads for some ten seconds. */
const START_MS = 90_000;

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** A command that goes on: lines to its standard input, and what it prints. */
export interface Running {
  send(message: object): void;
  /** What of its output makes `look` true. @throws Error when nothing does in time */
  until<T>(look: (printed: string) => T | undefined | false | null, what: string): Promise<T>;
  stop(): Promise<void>;
}

/** Upstream's own command line, in a home of its own. */
export class UpstreamCli {
  private readonly path: string;

  constructor(
    private readonly folder: string,
    readonly home: string,
  ) {
    this.path = join(folder, "node_modules", ".bin", "openclaw");
    if (!existsSync(this.path)) throw new Error(`${this.path} is not there`);
  }

  /** The same command line in another home. */
  in(home: string): UpstreamCli {
    return new UpstreamCli(this.folder, home);
  }

  async run(...words: string[]): Promise<Ran> {
    const child = Bun.spawn([this.path, ...words], {
      env: this.env,
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

  /** The message of a command that has to fail. @throws Error when it does not end with 1 */
  async refusal(...words: string[]): Promise<string> {
    const { code, out, err } = await this.run(...words, "--json");
    if (code !== 1) throw new Error(`openclaw ${words.join(" ")} ended with ${code}: ${out}`);
    return out === "" ? err : JSON.parse(out).error.message;
  }

  start(
    words: string[],
    { env = {}, terminal = false }: { env?: Record<string, string>; terminal?: boolean } = {},
  ): Running {
    const command = terminal
      ? ["script", "-qec", [this.path, ...words].map(quoted).join(" "), "/dev/null"]
      : [this.path, ...words];
    const child = Bun.spawn(command, { env: { ...this.env, ...env }, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    let printed = "";
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) printed += decoder.decode(chunk, { stream: true });
    };
    void collect(child.stdout);
    void collect(child.stderr);
    return {
      send: (message) => {
        child.stdin.write(`${JSON.stringify(message)}\n`);
        void child.stdin.flush();
      },
      async until(look, what) {
        for (const end = performance.now() + START_MS; performance.now() < end; await Bun.sleep(50)) {
          const found = look(printed);
          if (found) return found;
          if (child.exitCode !== null) break;
        }
        throw new Error(`${what} did not come; it printed:\n${printed.slice(-2000)}`);
      },
      async stop() {
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
        await child.exited;
        clearTimeout(timer);
      },
    };
  }

  /** A Node that is installed beside it is the one it asks for. */
  private get env(): Record<string, string> {
    const own = join(this.folder, "node_modules", "node", "bin");
    return { HOME: this.home, NO_COLOR: "1", PATH: [own, dirname(this.path), process.env.PATH].join(":") };
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Runs upstream's own gateway in a side's home as long as the work takes. */
export async function withUpstreamGateway<T>(folder: string, side: Side, work: () => Promise<T>): Promise<T> {
  const gateway = new UpstreamCli(folder, side.gatewayHome).start(["gateway", "run"], {
    env: { OPENCLAW_SKIP_CHANNELS: "1" },
  });
  try {
    const ready = `http://127.0.0.1:${side.port}/readyz`;
    let isReady = false;
    for (const end = performance.now() + START_MS; !isReady && performance.now() < end; await Bun.sleep(200)) {
      isReady = await fetch(ready).then(
        ({ ok }) => ok,
        () => false,
      );
    }
    if (!isReady) throw new Error("upstream's gateway does not become ready");
    return await work();
  } finally {
    await gateway.stop();
  }
}
