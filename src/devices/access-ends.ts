import { LIMITS } from "../../generated/limits.ts";
import type { AccessEnd } from "./types.ts";

/**
 * Tells who is interested that a device lost access, and remembers the last of these ends, so that a connection that
 * was just being admitted meanwhile can be refused.
 */
export class AccessEnds {
  private readonly listeners = new Set<(end: AccessEnd) => void>();
  private readonly recent: AccessEnd[] = [];
  private count = 0;

  subscribe(listener: (end: AccessEnd) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  publish(end: AccessEnd): void {
    this.count++;
    this.recent.push(end);
    if (this.recent.length > LIMITS.deviceAccessEndsKept) this.recent.shift();
    for (const listener of this.listeners) listener(end);
  }

  /**
   * Starts to watch a device. The returned function says whether it lost the role since; when too much happened to
   * know, it says so as well, since to refuse wrongly costs only a reconnect.
   */
  watch(deviceId: string, role: string): () => boolean {
    const seen = this.count;
    return () => {
      const missed = this.count - seen;
      if (missed > this.recent.length) return true;
      const since = missed === 0 ? [] : this.recent.slice(-missed);
      return since.some((end) => end.deviceId === deviceId && (end.role === undefined || end.role === role));
    };
  }
}
