import { LIMITS } from "../../generated/limits.ts";
import type { DiagnosticsStabilityResult } from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";

/** One line of the recorder: what happened, in numbers and names, never in what was said. */
export interface StabilityEvent {
  seq: number;
  /** Epoch milliseconds. */
  ts: number;
  type: string;
  [fact: string]: unknown;
}

interface MemoryFacts {
  rssBytes: number;
  heapTotalBytes: number;
  heapUsedBytes: number;
  externalBytes: number;
  arrayBuffersBytes: number;
}

interface StabilityDeps {
  bus: EventBus;
  clock: Clock;
  /** How much is at work and waits, now. */
  work: { readonly atWork: number; readonly waiting: number };
  capacity?: number;
}

/** Events of exporters of telemetry are kept apart upstream; there are no exporters here. */
const EXPORTERS = "telemetry.exporter";
const EXPORTER_CAPACITY = 16;
const PAGE = 50;
const PAGE_MAX = 1000;

/**
 * The recorder behind `diagnostics.stability`: a ring of the newest events of this process (docs: gateway/diagnostics).
 * It ends with the process, as upstream's does: what it tells of is the process.
 */
export class Stability {
  private readonly ring: StabilityEvent[] = [];
  private readonly capacity: number;
  private next = 1;

  constructor(private readonly deps: StabilityDeps) {
    this.capacity = deps.capacity ?? LIMITS.stabilityEvents;
    deps.bus.subscribe(({ event, payload }) => {
      if (event === "agent") this.follow(payload as { stream?: string; data?: Record<string, unknown> });
    });
  }

  record(type: string, facts: Record<string, unknown> = {}): void {
    this.ring.push({ seq: this.next++, ts: this.deps.clock.now(), type, ...facts });
    if (this.ring.length > this.capacity) this.ring.shift();
  }

  /** Something was refused because it was too large. */
  tooLarge(surface: string, limitBytes: number, reason: string): void {
    this.record("payload.large", { surface, action: "rejected", limitBytes, reason });
  }

  /** Notes how much memory the process has and how much it has to do; to be called now and then. */
  sample(): void {
    const { atWork, waiting } = this.deps.work;
    this.record("diagnostic.memory.sample", { memory: memoryFacts() });
    this.record("diagnostic.heartbeat", { active: atWork, waiting, queued: waiting });
  }

  /**
   * The newest events that fit, the oldest first, and sums of all that fit.
   * @throws GatewayError for a bad `limit`, `sinceSeq` or `type`
   */
  report(params: Record<string, unknown>): DiagnosticsStabilityResult {
    const { limit, sinceSeq, type } = readQuery(params);
    const fits = this.ring.filter((event) => event.seq > sinceSeq && (type === undefined || event.type === type));
    const found = type === EXPORTERS ? [] : fits;
    const first = found[0];
    const last = found.at(-1);
    return {
      generatedAt: new Date(this.deps.clock.now()).toISOString(),
      capacity: type === EXPORTERS ? EXPORTER_CAPACITY : this.capacity,
      count: found.length,
      dropped: type === EXPORTERS ? 0 : this.next - 1 - this.ring.length,
      ...(first && last && { firstSeq: first.seq, lastSeq: last.seq }),
      events: found.slice(-limit),
      summary: summary(found),
    };
  }

  /** Does a part of the start, or of another piece of work without a run, and notes how long it took. */
  async phase<T>(phase: string, work: () => Promise<T>): Promise<T> {
    const before = process.cpuUsage();
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      const durationMs = performance.now() - startedAt;
      const { user, system } = process.cpuUsage(before);
      const cpuCoreRatio = durationMs > 0 ? (user + system) / 1000 / durationMs : 0;
      this.record("diagnostic.phase.completed", {
        phase,
        durationMs: Math.round(durationMs * 10) / 10,
        cpuCoreRatio: Math.round(cpuCoreRatio * 1000) / 1000,
      });
    }
  }

  private follow({ stream, data = {} }: { stream?: string; data?: Record<string, unknown> }): void {
    if (stream !== "lifecycle") return;
    const queueDepth = this.deps.work.waiting;
    const state = (outcome: string, reason: string) => this.record("session.state", { outcome, reason, queueDepth });
    if (data.phase === "start") state("processing", "run_started");
    else if (data.phase === "end") state("idle", data.aborted === true ? "run_aborted" : "run_completed");
    else if (data.phase === "model") this.record("model.call.started", { provider: data.provider, model: data.model });
    else if (data.phase === "error") state("idle", "run_failed");
  }
}

function summary(events: readonly StabilityEvent[]): object {
  const byType: Record<string, number> = {};
  const memory: MemoryFacts[] = [];
  for (const event of events) {
    byType[event.type] = (byType[event.type] ?? 0) + 1;
    if (event.type === "diagnostic.memory.sample") memory.push(event.memory as MemoryFacts);
  }
  return { byType, ...memorySummary(memory), ...largeSummary(events) };
}

function memorySummary(samples: readonly MemoryFacts[]): object {
  const latest = samples.at(-1);
  if (latest === undefined) return {};
  const most = (fact: keyof MemoryFacts) => Math.max(...samples.map((each) => each[fact]));
  const peaks = { maxRssBytes: most("rssBytes"), maxHeapUsedBytes: most("heapUsedBytes") };
  return { memory: { latest, ...peaks, pressureCount: 0 } };
}

function largeSummary(events: readonly StabilityEvent[]): object {
  const large = events.filter(({ type }) => type === "payload.large");
  if (large.length === 0) return {};
  const bySurface: Record<string, number> = {};
  for (const { surface } of large) bySurface[surface as string] = (bySurface[surface as string] ?? 0) + 1;
  return { payloadLarge: { count: large.length, rejected: large.length, truncated: 0, chunked: 0, bySurface } };
}

function memoryFacts(): MemoryFacts {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    rssBytes: rss,
    heapTotalBytes: heapTotal,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    arrayBuffersBytes: arrayBuffers,
  };
}

/** Upstream reads these by hand, numbers in texts included, and looks at nothing else (measured on 2026.9.6). */
function readQuery({ limit, sinceSeq, type }: Record<string, unknown>) {
  const page = wholeNumber(limit, "limit") ?? PAGE;
  if (page < 1 || page > PAGE_MAX) throw invalidRequest(`limit must be between 1 and ${PAGE_MAX}`);
  return { limit: page, sinceSeq: wholeNumber(sinceSeq, "sinceSeq") ?? 0, type: typeName(type) };
}

function wholeNumber(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const number = typeof value === "string" && /^\d{1,15}$/.test(value.trim()) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw invalidRequest(`${name} must be a non-negative integer`);
}

function typeName(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw invalidRequest("type must be a non-empty string");
  return value.trim() || undefined;
}
