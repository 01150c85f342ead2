import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { RECORDING_TOKEN, recordingConfig } from "./recording-config.ts";

/** A home folder with a state directory and the configuration of the recordings, for gateways that are processes. */
export class GatewayHome implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), "chela-gateway-"));
  readonly stateDir = join(this.home, ".openclaw");
  /** The usual log is the machine's, not ours to write to. */
  readonly logFile = join(this.home, "gateway.log");
  readonly port = freePort();
  readonly url = `ws://127.0.0.1:${this.port}`;
  readonly token = RECORDING_TOKEN;

  constructor(modelBaseUrl: string) {
    mkdirSync(this.stateDir);
    const config = recordingConfig(modelBaseUrl, { port: this.port });
    writeFileSync(join(this.stateDir, "openclaw.json"), JSON.stringify(config));
    // Upstream's log was longer than a page when its answers were recorded.
    writeFileSync(this.logFile, "a line of the log\n".repeat(LIMITS.logTailDefaultLines + 100), { mode: 0o600 });
  }

  /** What a command needs to find this state, and nothing of the person who runs it. */
  get env(): Record<string, string> {
    const { PATH = "", LANG = "C.UTF-8" } = process.env;
    return { PATH, LANG, HOME: this.home, OPENCLAW_STATE_DIR: this.stateDir, CHELA_LOG_FILE: this.logFile };
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A gateway that runs as a process of its own. */
export class GatewayProcess {
  private constructor(
    private readonly child: Bun.Subprocess,
    private readonly logFile: string,
  ) {}

  /**
   * Starts `command gateway run` in a home and waits until it is ready.
   * @param command the words of the executable, for instance `["dist/chela"]`
   * @throws Error with the end of its output when it does not become ready
   */
  static async start(command: readonly string[], { env, home, url }: GatewayHome): Promise<GatewayProcess> {
    const logFile = join(home, "output.log");
    const log = Bun.file(logFile);
    const child = Bun.spawn([...command, "gateway", "run"], { env, stdin: "ignore", stdout: log, stderr: log });
    const gateway = new GatewayProcess(child, logFile);
    const ready = `${url.replace("ws:", "http:")}/readyz`;
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await Bun.sleep(5)) {
      if (child.exitCode !== null) break;
      if (
        await fetch(ready).then(
          (response) => response.ok,
          () => false,
        )
      )
        return gateway;
    }
    await gateway.end("SIGKILL");
    throw new Error(`the gateway did not become ready (exit code ${child.exitCode}):\n${gateway.output()}`);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Sends a signal and waits for the end. Returns the exit code, null after a signal. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    await this.child.exited;
    return this.child.exitCode;
  }

  /** The last lines it has printed. */
  output(): string {
    return readFileSync(this.logFile, "utf8").split("\n").slice(-30).join("\n");
  }
}

/** A port on loopback that is free now. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
