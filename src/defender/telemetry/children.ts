import { getuid } from "node:process";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { RiskSource } from "../risk.ts";
import type { Finding } from "../types.ts";
import { type ProcessSign, signsOf } from "./process-signs.ts";

export interface ChildWatchOptions {
  /** The same as for a sensor's events. */
  windowMs: () => number;
  bonus: () => number;
  clock: Clock;
  log: Logger;
  limits: { childLookMs: number; childProcesses: number };
  /** What is odd of a process; tests bring their own. */
  signs?: (pid: number) => ProcessSign[];
}

/** Where agents' commands are known, and all processes that came of them. */
export interface ProcessSource {
  /** Process ids of the next command at work: one at a time, since each takes a look at all processes of the machine. */
  nextTree(): readonly number[];
}

const REASONS: Readonly<Record<ProcessSign, string>> = {
  "no-file": "A process of an agent's command runs a program that is in no file.",
  "other-user": "A process of an agent's command has become another user.",
  "network-shell": "A process of an agent's command takes its orders from the network.",
};

/**
 * Looks once in a while at what came of agents' commands, as long as any is at work. What is odd raises the risk of every
 * action for as long as a sensor's event does.
 */
export class ChildWatch implements RiskSource {
  private readonly seen = new Map<ProcessSign, number>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly signs: (pid: number) => ProcessSign[];

  constructor(private readonly options: ChildWatchOptions) {
    const uid = getuid?.() ?? 0;
    this.signs = options.signs ?? ((pid) => signsOf(pid, uid));
  }

  start(source: ProcessSource): void {
    this.stop();
    this.timer = setInterval(() => this.look(source), this.options.limits.childLookMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  risk(): Finding[] {
    const { clock, windowMs, bonus } = this.options;
    const since = clock.now() - windowMs();
    return [...this.seen].flatMap(([sign, at]): Finding[] =>
      at < since ? [] : [{ id: `telemetry.${sign}`, score: bonus(), reason: REASONS[sign] }],
    );
  }

  /** Looks at the processes that are there now. */
  look(source: ProcessSource): void {
    const { clock, log, limits } = this.options;
    for (const pid of source.nextTree().slice(0, limits.childProcesses)) {
      for (const sign of this.signs(pid)) {
        if (!this.seen.has(sign)) log.warn("a process of an agent's command is odd", { pid, sign });
        this.seen.set(sign, clock.now());
      }
    }
  }
}
