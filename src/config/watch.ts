import { type FSWatcher, watch } from "node:fs";
import { LIMITS } from "../../generated/limits.ts";

export interface WatchTimes {
  /** Between looks at the files, milliseconds; `configPollMs` unless told. */
  pollMs?: number;
  /** Without a further change until it counts as finished, milliseconds; `configSettleMs` unless told. */
  settleMs?: number;
}

/**
 * Calls back when files changed and then stayed as they are for a moment. The system's notice of changes of the main
 * file makes it prompt; looking at all of them once in a while makes it sure: editors replace files, a link above them
 * may be turned, included files lie elsewhere. The directory is not watched, since the database next to the file
 * would wake the watcher with each of its writes.
 */
export class FileWatch {
  private readonly poll: ReturnType<typeof setInterval>;
  private readonly settleMs: number;
  private settling: { stamp: string; timer: ReturnType<typeof setTimeout> } | undefined;
  private notice: FSWatcher | undefined;
  private seen: string;

  /** @param stamp changes whenever one of the files does */
  constructor(
    private readonly file: string,
    private readonly stamp: () => string,
    private readonly onChange: () => void,
    { pollMs = LIMITS.configPollMs, settleMs = LIMITS.configSettleMs }: WatchTimes = {},
  ) {
    this.seen = stamp();
    this.settleMs = settleMs;
    this.poll = setInterval(() => this.look(), pollMs);
    this.poll.unref();
    this.listen();
  }

  close(): void {
    clearInterval(this.poll);
    clearTimeout(this.settling?.timer);
    this.settling = undefined;
    this.notice?.close();
    this.notice = undefined;
  }

  private look(): void {
    const now = this.stamp();
    if (this.settling !== undefined ? now === this.settling.stamp : now === this.seen) return;
    this.settle(now);
  }

  private settle(stamp: string): void {
    clearTimeout(this.settling?.timer);
    const timer = setTimeout(() => this.settled(), this.settleMs);
    timer.unref();
    this.settling = { stamp, timer };
  }

  private settled(): void {
    const now = this.stamp();
    if (now !== this.settling?.stamp) {
      this.settle(now);
      return;
    }
    this.settling = undefined;
    const changed = now !== this.seen;
    // Not taken after the call: a change during it, or other files that it found, must count as news.
    this.seen = now;
    if (changed) this.onChange();
    this.listen();
  }

  /** The notice belongs to the file that was there, not to its name: a replaced file needs a new one. */
  private listen(): void {
    this.notice?.close();
    try {
      this.notice = watch(this.file, { persistent: false }, () => this.look());
      this.notice.on("error", () => this.notice?.close());
    } catch {
      this.notice = undefined;
    }
  }
}
