import type { Clock } from "../../platform/clock.ts";
import { type Child, type Launch, start } from "./child.ts";
import { shortName } from "./names.ts";
import { Output } from "./output.ts";

/** Why a command ended. */
export type ExitReason = "exit" | "signal" | "overall-timeout" | "manual-cancel" | "aborted" | "gateway-stop";

/** How a command ended, as results and lists tell it. */
export interface Ending {
  code: number | null;
  signal: string | null;
  reason: ExitReason;
  endedAt: number;
}

export interface ProcessSessionOptions {
  id: string;
  agentId: string;
  sessionKey: string;
  /** As the model wrote it. */
  command: string;
  cwd: string;
  /** Milliseconds that it may live; undefined for ever. */
  timeoutMs: number | undefined;
  /** Milliseconds for which its end is remembered. */
  cleanupMs: number;
  launch: Omit<Launch, "onOutput">;
  clock: Clock;
  limits: { execOutputChars: number; execPendingChars: number; execKillGraceMs: number };
}

/** One command: at work or ended, with the end of what it has said. Lives as long as the gateway at most. */
export class ProcessSession {
  readonly id: string;
  readonly agentId: string;
  readonly sessionKey: string;
  readonly command: string;
  readonly name: string;
  readonly cwd: string;
  readonly cleanupMs: number;
  readonly startedAt: number;
  readonly output: Output;
  /** Settles when it and all that came of it has ended. */
  readonly ended: Promise<Ending>;
  /** Told to whoever watches, with every piece of output. */
  onOutput: (() => void) | null = null;
  /** True once a turn has been told that it goes on without it. */
  isBackground = false;
  /** The same, and stays true when nobody finds it any more. */
  wasBackground = false;
  lastOutputAt: number;
  /** What was typed since the last line end: with one it becomes a command of whatever reads it. */
  typed = "";
  ending: Ending | null = null;
  /** True when somebody waited for its end and so knows of it. */
  wasAwaited = false;

  private readonly child: Child;
  private readonly options: ProcessSessionOptions;
  private readonly timer: Timer | null;
  private stopReason: ExitReason | null = null;
  private isInputOpen: boolean;
  private wakers = new Set<() => void>();

  /** Starts it. @throws Error of the operating system */
  constructor(options: ProcessSessionOptions) {
    const { id, agentId, sessionKey, command, cwd, cleanupMs, clock, limits, timeoutMs } = options;
    this.options = options;
    this.id = id;
    this.agentId = agentId;
    this.sessionKey = sessionKey;
    this.command = command;
    this.name = shortName(command);
    this.cwd = cwd;
    this.cleanupMs = cleanupMs;
    this.startedAt = clock.now();
    this.lastOutputAt = this.startedAt;
    this.output = new Output(limits.execOutputChars, limits.execPendingChars);
    this.child = start({ ...options.launch, onOutput: (text) => this.said(text) });
    this.isInputOpen = this.child.input !== null;
    this.timer = timeoutMs === undefined ? null : setTimeout(() => void this.stop("overall-timeout"), timeoutMs);
    this.timer?.unref();
    this.ended = this.end();
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Process ids of it and of what came of it. */
  tree(): readonly number[] {
    return this.child.tree();
  }

  get isRunning(): boolean {
    return this.ending === null;
  }

  get isWritable(): boolean {
    return this.isRunning && this.isInputOpen;
  }

  /** @param bytes what is typed; nothing more can be after `close` */
  write(bytes: Uint8Array, close = false): void {
    const { input } = this.child;
    if (input === null || !this.isWritable) return;
    if (bytes.length > 0) input.write(bytes);
    if (!close) return;
    this.isInputOpen = false;
    input.end();
  }

  /** Ends it with all that came of it and waits for that. The first reason counts. */
  async stop(reason: ExitReason): Promise<Ending> {
    if (this.stopReason === null && this.isRunning) {
      this.stopReason = reason;
      await this.child.end(this.options.limits.execKillGraceMs);
    }
    return this.ended;
  }

  /** Waits until it ends or the time is over. */
  async endedWithin(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.isRunning || ms <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.wakers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      this.wakers.add(done);
    });
  }

  private said(text: string): void {
    if (text === "") return;
    this.output.add(text);
    this.lastOutputAt = this.options.clock.now();
    this.onOutput?.();
  }

  private async end(): Promise<Ending> {
    const { code, signal } = await this.child.ended;
    if (this.timer !== null) clearTimeout(this.timer);
    const reason = this.stopReason ?? (signal === null ? "exit" : "signal");
    const isStopped = this.stopReason !== null && signal === null;
    // One that was asked to end and did so by itself was ended all the same.
    this.ending = {
      code: isStopped ? null : code,
      signal: isStopped ? "SIGTERM" : signal,
      reason,
      endedAt: this.options.clock.now(),
    };
    this.wasAwaited = this.wakers.size > 0;
    for (const wake of [...this.wakers]) wake();
    return this.ending;
  }
}
