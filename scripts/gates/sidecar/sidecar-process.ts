// biome-ignore lint/suspicious/noExplicitAny: notices are looked into freely
type Line = any;

/** Milliseconds until what is waited for must have come. */
const WITHIN_MS = 30_000;

/** `defend --attach --json` in a process of its own, known by what it prints. */
export class SidecarProcess {
  readonly lines: Line[] = [];
  private rest = "";
  private errors = "";

  private constructor(private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">) {
    void this.collect(child.stdout, (text) => this.take(text));
    void this.collect(child.stderr, (text) => {
      this.errors += text;
    });
  }

  static start(chela: readonly string[], words: readonly string[], home: string): SidecarProcess {
    const env = { HOME: home, PATH: process.env.PATH ?? "/usr/bin:/bin", CHELA_LOG_FILE: `${home}/sidecar.log` };
    const command = [...chela, "defend", "--json", ...words];
    return new SidecarProcess(Bun.spawn(command, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
  }

  /** The `nth` line that fits, counted from 0. @throws Error when none comes in time */
  async line(what: string, fits: (line: Line) => boolean, nth = 0): Promise<Line> {
    for (const end = performance.now() + WITHIN_MS; performance.now() < end; await Bun.sleep(20)) {
      const found = this.lines.filter(fits)[nth];
      if (found) return found;
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`${what} did not come; it printed ${JSON.stringify(this.lines.slice(-5))} ${this.errors}`);
  }

  attached(nth = 0): Promise<Line> {
    return this.line(`attached (${nth})`, ({ event }) => event === "attached", nth);
  }

  approval(id: string): Promise<Line> {
    return this.line(`approval ${id}`, (line) => line.event === "approval" && line.id === id);
  }

  /** Its exit code after SIGTERM. */
  async stop(): Promise<number> {
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 15_000);
    const code = await this.child.exited;
    clearTimeout(timer);
    return code;
  }

  private take(text: string): void {
    const parts = (this.rest + text).split("\n");
    this.rest = parts.pop()!;
    for (const part of parts) this.lines.push(JSON.parse(part));
  }

  private async collect(stream: ReadableStream<Uint8Array>, hear: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) hear(decoder.decode(chunk, { stream: true }));
  }
}
