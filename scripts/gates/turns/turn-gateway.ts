import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Frame, type Payload, TestClient } from "../../../src/gateway/testing.ts";
import { freePort, GatewayHome, GatewayProcess } from "../../../src/parity/gateway-process.ts";
import { recordingConfig } from "../../../src/parity/recording-config.ts";
import type { GateContext } from "../../gate/run.ts";

/** Milliseconds until what is waited for must have come. */
const WITHIN_MS = 60_000;

/** The executable of a gate, `dist/chela` unless `--binary` names another. @throws Error when it is not there */
export function executable({ root, args }: GateContext): string {
  const at = args.indexOf("--binary");
  const path = resolve(at < 0 ? join(root, "dist", "chela") : (args[at + 1] ?? ""));
  if (!existsSync(path)) throw new Error(`${path} is not there; run \`npm run build\` first, or name one by --binary`);
  return path;
}

/** @throws Error with what was found instead */
export function must(holds: unknown, found: unknown): asserts holds {
  if (!holds) throw new Error(`unexpected: ${(JSON.stringify(found) ?? String(found)).slice(0, 1500)}`);
}

/** Waits until something is so. @throws Error that names what did not come in time */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = WITHIN_MS,
): Promise<NonNullable<T>> {
  for (const end = performance.now() + withinMs; performance.now() < end; await Bun.sleep(20)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${withinMs / 1000} s`);
}

const ENDS = new Set(["final", "aborted", "error"]);

/** The executable in a process and a home of its own, and an operator who talks with its agent. */
export class TurnGateway implements AsyncDisposable {
  client!: TestClient;
  private process!: GatewayProcess;
  private sent = 0;

  private constructor(
    private readonly command: readonly string[],
    readonly home: GatewayHome,
  ) {}

  /** @param config takes the place of the recordings' one but for `gateway`, into which its own is merged */
  static async start(binary: string, { gateway, ...config }: Record<string, unknown>): Promise<TurnGateway> {
    const home = new GatewayHome(`http://127.0.0.1:${freePort()}`);
    const usual = recordingConfig("", { port: home.port }).gateway as object;
    const file = { ...config, gateway: { ...usual, ...(gateway as object) } };
    writeFileSync(join(home.stateDir, "openclaw.json"), JSON.stringify(file), { mode: 0o600 });
    const started = new TurnGateway([binary], home);
    await started.begin();
    return started;
  }

  private async begin(): Promise<void> {
    this.process = await GatewayProcess.start(this.command, this.home);
    this.client = await TestClient.open(this.home.url);
    await this.client.hello({ auth: { token: this.home.token } });
  }

  /** Ends it and starts it again over the same state. */
  async restart(): Promise<void> {
    await this.end();
    await this.begin();
  }

  /** The exit code after SIGTERM. */
  async end(): Promise<number | null> {
    this.client.close();
    return this.process.end();
  }

  get pid(): number {
    return this.process.pid;
  }

  call(method: string, params: object = {}): Promise<Payload> {
    return this.client.call(method, params);
  }

  /** Sends a message and gives the id of its run. */
  async send(sessionKey: string, message: string): Promise<string> {
    const runId = `gate-${++this.sent}`;
    await this.call("chat.send", { sessionKey, message, idempotencyKey: runId });
    return runId;
  }

  /** The last chat frame of a run: its `state` is `final`, `aborted` or `error`. */
  ended(runId: string): Promise<Payload> {
    return eventually(`the end of run ${runId}`, () =>
      this.of(runId, "chat").find((payload: Payload) => ENDS.has(payload.state)),
    );
  }

  /** Sends a message and waits for the end of its run. */
  async say(sessionKey: string, message: string): Promise<{ runId: string; end: Payload }> {
    const runId = await this.send(sessionKey, message);
    return { runId, end: await this.ended(runId) };
  }

  /** Payloads of the events of one name that a run has told. */
  of(runId: string, event: string): Payload[] {
    return this.client
      .events(event)
      .map(({ payload }: Frame) => payload)
      .filter((payload: Payload) => payload?.runId === runId);
  }

  /** The transcript, oldest first, without what the gateway says itself. */
  async history(sessionKey: string): Promise<Payload[]> {
    const { messages } = await this.call("chat.history", { sessionKey, limit: 1000 });
    return messages.filter(({ role }: Payload) => role !== "system");
  }

  async describe(sessionKey: string): Promise<Payload> {
    return (await this.call("sessions.describe", { key: sessionKey, includeModelAttempts: true })).session;
  }

  /** Forgets the frames that came: long work would keep them all. */
  forget(): void {
    this.client.frames.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(() => {});
    this.home[Symbol.dispose]();
  }
}

/** The text of a message or of what a chat frame bears. */
export function textOf(message: Payload): string {
  const { content } = message ?? {};
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text = "" }: Payload) => text).join("");
}
