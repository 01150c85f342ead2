/** How responsive the process has been over the last half minute. Times in milliseconds, ratios of one core. */
export interface EventLoopFacts {
  degraded: boolean;
  degradedSinceMs: number | null;
  reasons: ("event_loop_delay" | "event_loop_utilization" | "cpu")[];
  intervalMs: number;
  delayP99Ms: number;
  delayMaxMs: number;
  utilization: number;
  cpuCoreRatio: number;
}

const INTERVAL_MS = 1000;
const WINDOW = 30;
/** A turn that starts this late is felt by everybody who waits. */
const DEGRADED_DELAY_MS = 500;
const DEGRADED_CPU_RATIO = 0.95;

/** Measures by how much a one-second timer is late, and the CPU the process used meanwhile. */
export class EventLoopMonitor {
  private readonly delays: number[] = [];
  private cpuRatio = 0;
  private lastCpu = process.cpuUsage();
  private lastAt = performance.now();
  private degradedSince: number | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    this.lastAt = performance.now();
    this.timer ??= setInterval(() => this.sample(), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  facts(): EventLoopFacts {
    const sorted = [...this.delays].sort((a, b) => a - b);
    const delayMaxMs = sorted.at(-1) ?? 0;
    const delayP99Ms = sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 0;
    const reasons: EventLoopFacts["reasons"] = [];
    if (delayP99Ms > DEGRADED_DELAY_MS) reasons.push("event_loop_delay");
    if (this.cpuRatio > DEGRADED_CPU_RATIO) reasons.push("cpu");
    return {
      degraded: reasons.length > 0,
      degradedSinceMs: this.degradedSince,
      reasons,
      intervalMs: INTERVAL_MS,
      delayP99Ms: round(delayP99Ms),
      delayMaxMs: round(delayMaxMs),
      utilization: round(Math.min(1, this.cpuRatio)),
      cpuCoreRatio: round(this.cpuRatio),
    };
  }

  private sample(): void {
    const now = performance.now();
    const elapsed = now - this.lastAt;
    const { user, system } = process.cpuUsage(this.lastCpu);
    this.cpuRatio = (user + system) / 1000 / elapsed;
    this.delays.push(Math.max(0, elapsed - INTERVAL_MS));
    if (this.delays.length > WINDOW) this.delays.shift();
    this.lastCpu = process.cpuUsage();
    this.lastAt = now;
    const { degraded } = this.facts();
    this.degradedSince = degraded ? (this.degradedSince ?? Date.now()) : null;
  }
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
