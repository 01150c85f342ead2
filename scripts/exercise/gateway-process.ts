import { readdirSync, readFileSync } from "node:fs";
import { LIMITS } from "../../generated/limits.ts";

export interface ProcessOptions {
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  /** Until it listens. */
  timeoutMs?: number;
  /** The command is a launcher that does not hand signals on: they go to its descendant of this name. */
  descendant?: string;
}

/** A gateway in a process of its own, as users run it: known only by what it prints and answers. */
export class GatewayProcess {
  private constructor(
    private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">,
    private readonly printed: { text: string },
    /** Where it listens, `ws://…`. */
    readonly url: string,
    /** Milliseconds from its start until it said so. */
    readonly startMs: number,
    private readonly descendant: string | undefined,
  ) {}

  /** Starts the command and waits until it says where it listens. @throws Error with what it printed instead */
  static async start(
    command: string[],
    { env, cwd, timeoutMs = 20_000, descendant }: ProcessOptions,
  ): Promise<GatewayProcess> {
    const started = performance.now();
    const child = Bun.spawn(command, { env, cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const printed = { text: "" };
    const listens = Promise.withResolvers<string>();
    for (const stream of [child.stdout, child.stderr]) {
      void collect(stream, (text) => {
        printed.text += text;
        const url = /listens on (wss?:\/\/\S+)/.exec(printed.text)?.[1];
        if (url) listens.resolve(url);
      });
    }
    const timer = setTimeout(
      () => listens.reject(new Error(`no gateway after ${timeoutMs} ms:\n${printed.text}`)),
      timeoutMs,
    );
    void child.exited.then((code) => listens.reject(new Error(`the gateway ended with ${code}:\n${printed.text}`)));
    try {
      const url = await listens.promise;
      return new GatewayProcess(child, printed, url, performance.now() - started, descendant);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Of the gateway itself. */
  get pid(): number {
    if (this.descendant === undefined) return this.child.pid;
    return descendantOf(this.child.pid, this.descendant) ?? this.child.pid;
  }

  /** Everything it printed so far. */
  get output(): string {
    return this.printed.text;
  }

  /** Waits until it has printed the text, which can come in pieces. @throws Error when it ends without */
  async prints(text: string): Promise<void> {
    while (!this.printed.text.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`it ended without printing ${text}:\n${this.printed.text}`);
      await Bun.sleep(5);
    }
  }

  /** The token that it printed at its first start. */
  get printedToken(): string | undefined {
    return /shown only this once:\s+(\S+)/.exec(this.printed.text)?.[1];
  }

  /** Resident memory in bytes. Linux only. */
  async residentBytes(): Promise<number> {
    const status = await Bun.file(`/proc/${this.pid}/status`).text();
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** Its exit code, as soon as there is one. */
  get exited(): Promise<number> {
    return this.child.exited;
  }

  /** Sends a signal; nothing when it has ended already. */
  kill(signal: NodeJS.Signals): void {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    process.kill(this.pid, signal);
  }

  /** Asks it to end and gives its exit code. One that does not end in time is killed, which gives 137. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill("SIGKILL"), LIMITS.closeGraceMs + 10_000);
    try {
      return await this.child.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The process of that name whose ancestor is `pid`. Linux only. */
function descendantOf(pid: number, name: string): number | undefined {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const [, comm = "", rest = ""] = /^\d+ \((.*)\) \S (.*)$/s.exec(stat) ?? [];
      parents.set(Number(entry), { parent: Number(rest.split(" ")[0]), name: comm });
    } catch {
      // It has ended meanwhile.
    }
  }
  const descends = (child: number): boolean => {
    const parent = parents.get(child)?.parent;
    return parent !== undefined && (parent === pid || descends(parent));
  };
  return [...parents].find(([child, facts]) => facts.name === name && descends(child))?.[0];
}

async function collect(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }));
}
