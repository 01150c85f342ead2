import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayHome, GatewayProcess } from "../../../src/parity/gateway-process.ts";
import { OfficialClient, OPERATOR_SCOPES } from "../../../src/parity/official-client.ts";

/** The built executable as a gateway with a mock model, and the published client to talk to it. */
export class DefenderTarget implements Disposable {
  readonly home: GatewayHome;
  private gateway: GatewayProcess | undefined;

  constructor(
    readonly binary: string,
    modelBaseUrl: string,
  ) {
    this.home = new GatewayHome(modelBaseUrl);
    // Files outside the workspace can be read: they stand for what others have written.
    this.configure((config) => ({ ...config, tools: { ...config.tools, fs: { workspaceOnly: false } } }));
  }

  /** Changes the configuration's file; counts from the next start, what is hot at once. */
  configure(change: (config: Record<string, Record<string, unknown>>) => object): void {
    const file = join(this.home.stateDir, "openclaw.json");
    writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")))));
  }

  async start(): Promise<void> {
    this.gateway = await GatewayProcess.start([this.binary], this.home);
  }

  /** Ends it without a chance to tidy up, unless told otherwise, and starts it again. */
  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    await this.gateway?.end(signal);
    await this.start();
  }

  async stop(): Promise<void> {
    await this.gateway?.end();
  }

  get output(): string {
    return this.gateway?.output() ?? "";
  }

  /** A client with the usual scopes of an operator; one that approves is also shown what waits for a person. */
  connect({ approves = false } = {}): Promise<OfficialClient> {
    const { url, token } = this.home;
    const approving = approves ? { scopes: [...OPERATOR_SCOPES, "operator.approvals"], caps: ["approvals"] } : {};
    return OfficialClient.connect({ url, token, ...approving });
  }

  /** Runs a command of the executable on this state. */
  async cli(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const child = Bun.spawn([this.binary, ...words], {
      env: this.home.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { code, out, err };
  }

  [Symbol.dispose](): void {
    this.home[Symbol.dispose]();
  }
}

export function must(condition: unknown, what: unknown): void {
  if (!condition) throw new Error(typeof what === "string" ? what : String(JSON.stringify(what)).slice(0, 600));
}
