import { fstatSync, write, writeSync } from "node:fs";
import { LIMITS } from "../../generated/limits.ts";

/** Where lines end up: a descriptor to write them to, or null to throw them away. */
export interface SinkTarget {
  /** Called before each write with the number of bytes that follow. Must not throw. */
  descriptor(bytes: number): number | null;
}

/**
 * Gathers lines and writes them in the background, so that a slow disk or terminal stops nobody. What waits is
 * bounded: lines beyond it are dropped, counted, and the count is written once there is room again.
 */
export class LogSink {
  /** Lines dropped since the start. */
  dropped = 0;
  private waiting: string[] = [];
  private waitingBytes = 0;
  private unreported = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private flight: { fd: number; bytes: Buffer; sizeBefore: number } | undefined;
  private idle: (() => void)[] = [];

  constructor(
    private readonly target: SinkTarget,
    /** The line that reports `count` dropped ones. */
    private readonly droppedLine: (count: number) => string,
  ) {}

  push(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.waitingBytes + bytes > LIMITS.logBufferBytes) {
      this.dropped++;
      this.unreported++;
      return;
    }
    this.waiting.push(line);
    this.waitingBytes += bytes;
    if (this.flight === undefined) this.timer ??= setTimeout(() => this.start(), LIMITS.logFlushMs);
  }

  /** Resolves when everything pushed so far is written. */
  flush(): Promise<void> {
    if (this.flight === undefined) this.start();
    if (this.flight === undefined) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  /**
   * Writes what waits before the process ends, without the event loop. A write that is under way gets a moment to
   * arrive; whether it did shows in the size of the file.
   */
  flushSync(): void {
    clearTimeout(this.timer);
    const { flight } = this;
    this.flight = undefined;
    const rest = this.take();
    const landed = flight === undefined || hasLanded(flight);
    const bytes = landed ? rest : Buffer.concat([flight.bytes, rest]);
    if (bytes.length === 0) return;
    try {
      const fd = this.target.descriptor(bytes.length);
      if (fd !== null) writeAll(fd, bytes);
    } catch {
      // The process is ending; there is nobody left to tell.
    }
  }

  private take(): Buffer {
    if (this.unreported > 0) this.waiting.push(this.droppedLine(this.unreported));
    this.unreported = 0;
    const bytes = Buffer.from(this.waiting.join(""));
    this.waiting = [];
    this.waitingBytes = 0;
    return bytes;
  }

  private start(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const bytes = this.take();
    const fd = bytes.length > 0 ? this.target.descriptor(bytes.length) : null;
    if (fd === null) {
      this.settle();
      return;
    }
    this.flight = { fd, bytes, sizeBefore: sizeOf(fd) };
    this.send(fd, bytes, 0);
  }

  private send(fd: number, bytes: Buffer, from: number): void {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (this.flight === undefined) return;
      if (error && (error as NodeJS.ErrnoException).code === "EAGAIN") {
        setTimeout(() => this.send(fd, bytes, from), LIMITS.logFlushMs);
        return;
      }
      if (!error && from + written < bytes.length) return this.send(fd, bytes, from + written);
      this.flight = undefined;
      if (this.waiting.length > 0 || this.unreported > 0) this.start();
      else this.settle();
    });
  }

  private settle(): void {
    const { idle } = this;
    this.idle = [];
    for (const resolve of idle) resolve();
  }
}

const ARRIVAL_MS = 200;

function hasLanded({ fd, bytes, sizeBefore }: { fd: number; bytes: Buffer; sizeBefore: number }): boolean {
  if (sizeBefore < 0) return true;
  const deadline = performance.now() + ARRIVAL_MS;
  while (sizeOf(fd) < sizeBefore + bytes.length) {
    if (performance.now() > deadline) return false;
    Bun.sleepSync(1);
  }
  return true;
}

/** Size of a regular file, -1 for anything else. */
function sizeOf(fd: number): number {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? stat.size : -1;
  } catch {
    return -1;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from);
}
