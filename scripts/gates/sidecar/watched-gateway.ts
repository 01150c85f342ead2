import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { TestClient, TestDevice } from "../../../src/gateway/testing.ts";
import { freePort } from "../../../src/parity/gateway-process.ts";
import { recordingConfig } from "../../../src/parity/recording-config.ts";

/** Milliseconds until a gateway is ready; upstream loads for some ten seconds. */
const START_MS = 120_000;

/** Which gateway is watched over. */
export interface Make {
  name: string;
  command: readonly string[];
  /** Folders that come before those of this process, for the program's own Node. */
  path?: readonly string[];
  /** The wire version that it speaks with us. */
  protocol: number;
  /** It lists open approvals, and knows whether anybody can answer them. */
  isNew: boolean;
}

/** A gateway in a process and a home of its own, that asks before each command; it can be killed and started again. */
export class WatchedGateway {
  readonly port = freePort();
  readonly url = `ws://127.0.0.1:${this.port}`;
  readonly token = "token-of-the-sidecar-gate-1234567890";
  private child: Bun.Subprocess | undefined;

  constructor(
    readonly make: Make,
    readonly home: string,
    modelBaseUrl: string,
  ) {
    const config = recordingConfig(modelBaseUrl, { port: this.port, token: this.token });
    const exec = { host: "gateway", security: "full", ask: "always" };
    mkdirSync(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
    const file = make.isNew ? { ...config, tools: { exec } } : { gateway: config.gateway };
    writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify(file), { mode: 0o600 });
  }

  /** Starts it and waits until it greets. */
  async start(): Promise<void> {
    const { command, path = [] } = this.make;
    const env = {
      HOME: this.home,
      OPENCLAW_STATE_DIR: join(this.home, ".openclaw"),
      OPENCLAW_SKIP_CHANNELS: "1",
      CHELA_LOG_FILE: join(this.home, "gateway.log"),
      PATH: [...path, process.env.PATH].join(":"),
    };
    const words = [...command, "gateway", "run", "--port", String(this.port)];
    // In a group of its own: the program may be a launcher whose child is the gateway.
    const options = { env, cwd: this.home, detached: true } as const;
    this.child = Bun.spawn(words, { ...options, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    for (const end = performance.now() + START_MS; performance.now() < end; await Bun.sleep(200)) {
      const client = await this.connect().catch(() => null);
      client?.close();
      if (client) return;
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`${this.make.name} does not become ready`);
  }

  /** An operator. With `caps` it says what it can answer, and counts as somebody who does. */
  async connect(caps: string[] = []): Promise<TestClient> {
    const client = await TestClient.open(this.url);
    const auth = { token: this.token };
    await client.hello({ minProtocol: 3, maxProtocol: 4, auth, caps, identity: new TestDevice(), proofVersion: "v2" });
    return client;
  }

  /** Ends it without a word. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const send = (wanted: NodeJS.Signals): void => void process.kill(-child.pid, wanted);
    send(signal);
    const timer = setTimeout(() => send("SIGKILL"), 15_000);
    await child.exited;
    clearTimeout(timer);
  }
}

/** The `openclaw` that is installed in a folder, run with the Node that is installed in another. */
export function installed(folder: string, node: string, about: Pick<Make, "name" | "protocol" | "isNew">): Make {
  const bin = join(folder, "node_modules", ".bin", "openclaw");
  if (!existsSync(bin)) throw new Error(`${bin} is not there`);
  return { ...about, command: [bin], path: [join(node, "node_modules", "node", "bin"), dirname(bin)] };
}
