import { open, stat } from "node:fs/promises";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { errorCode } from "../../platform/private-file.ts";
import type { RiskSource } from "../risk.ts";
import type { Finding } from "../types.ts";
import { type SensorEvent, sensorEvent } from "./event.ts";

export interface FeedOptions {
  /** Absolute; undefined or empty when there is no sensor. */
  path: () => string | undefined;
  /** Milliseconds for which an event counts, and what it adds to the score of every action. */
  windowMs: () => number;
  bonus: () => number;
  clock: Clock;
  log: Logger;
  limits: FeedLimits;
}

/** Values and reasons in `spec/chela/limits.yaml`. */
export interface FeedLimits {
  telemetryReadBytes: number;
  telemetryLookMs: number;
  telemetryEvents: number;
}

/** Where a file was read up to. */
interface Place {
  path: string;
  dev: number;
  ino: number;
  offset: number;
}

/**
 * What a sensor of this machine writes, one JSON object a line. Recent severe events raise the risk of every action. The
 * file is looked at when an action is judged and no more often than needed; nobody waits for a sensor.
 */
export class TelemetryFeed implements RiskSource {
  private place: Place | undefined;
  private severe: SensorEvent[] = [];
  private lookedAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;
  private problem: string | undefined;

  constructor(private readonly options: FeedOptions) {}

  async risk(): Promise<Finding[]> {
    const { clock } = this.options;
    const path = this.options.path();
    if (path === undefined || path === "") {
      this.severe = [];
      return [];
    }
    if (Math.abs(clock.now() - this.lookedAt) >= this.options.limits.telemetryLookMs) {
      this.reading ??= this.read(path).finally(() => {
        this.reading = undefined;
      });
      await this.reading;
    }
    const recent = this.recent();
    if (recent.length === 0) return [];
    const events = recent.length === 1 ? "a severe event" : `${recent.length} severe events`;
    const tags = [...new Set(recent.flatMap((event) => event.tags))].slice(0, 5);
    const about = tags.length === 0 ? "" : ` (${tags.join(", ")})`;
    return [
      {
        id: "telemetry.severe",
        score: this.options.bonus(),
        reason: `A sensor of this machine told of ${events}${about}.`,
      },
    ];
  }

  /** Events that still count. One from the future would count for ever; it does not count at all. */
  private recent(): SensorEvent[] {
    const now = this.options.clock.now();
    const since = now - this.options.windowMs();
    this.severe = this.severe.filter(({ at }) => at >= since);
    return this.severe;
  }

  /** Takes in the lines that were added. A file that was replaced or cut is read from its start. Never rejects. */
  private async read(path: string): Promise<void> {
    const { clock, limits } = this.options;
    this.lookedAt = clock.now();
    try {
      const { dev, ino, size } = await stat(path);
      const { place } = this;
      const isSame = place?.path === path && place.dev === dev && place.ino === ino && size >= place.offset;
      const last = isSame ? place.offset : 0;
      this.reported(undefined);
      this.place = { path, dev, ino, offset: last };
      if (size === last) return;
      // A feed that grows faster than it is read is caught up with at its end: what is recent stands there.
      const from = Math.max(last, size - limits.telemetryReadBytes);
      const bytes = await bytesOf(path, from, size - from);
      const end = bytes.lastIndexOf(0x0a) + 1;
      const lines = bytes.toString("utf8", 0, end).split("\n");
      // The first line was cut.
      if (from > last) lines.shift();
      for (const line of lines) this.take(line);
      const isStuck = end === 0 && bytes.length >= limits.telemetryReadBytes;
      this.place = { path, dev, ino, offset: isStuck ? size : from + end };
    } catch (error) {
      this.reported(errorCode(error) ?? "unreadable");
    }
  }

  private take(line: string): void {
    const event = sensorEvent(line, this.options.clock.now());
    if (event === null || event.at < this.options.clock.now() - this.options.windowMs()) return;
    this.severe.push(event);
    if (this.severe.length > this.options.limits.telemetryEvents) this.severe.shift();
  }

  private reported(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.problem) {
      this.options.log.warn("the sensor's feed cannot be read", { problem });
    }
    this.problem = problem;
  }
}

async function bytesOf(path: string, from: number, length: number): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, from);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
