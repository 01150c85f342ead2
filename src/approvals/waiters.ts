/**
 * Who waits for the end of something that is stored, by its id. As many as there are requests at work. Ends are told
 * with `settle`, after they were stored.
 */
export class Waiters<T> {
  private readonly waiting = new Map<string, Set<(value: T | null) => void>>();

  /**
   * What `read` gives once it has ended, or as it is when the signal aborts first; null when there is none. Whoever
   * waits is noted before the first read, so that no end falls between the two.
   */
  async wait(
    id: string,
    { read, isOpen, signal }: { read: () => Promise<T | null>; isOpen: (value: T) => boolean; signal: AbortSignal },
  ): Promise<T | null> {
    let resolve: (value: T | null) => void = () => {};
    const end = new Promise<T | null>((done) => {
      resolve = done;
    });
    const others = this.waiting.get(id) ?? new Set();
    this.waiting.set(id, others.add(resolve));
    const giveUp = (): void => resolve(null);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const now = await read();
      if (now === null || !isOpen(now) || signal.aborted) return now;
      return (await end) ?? now;
    } finally {
      signal.removeEventListener("abort", giveUp);
      others.delete(resolve);
      if (others.size === 0 && this.waiting.get(id) === others) this.waiting.delete(id);
    }
  }

  settle(id: string, value: T): void {
    for (const resolve of this.waiting.get(id) ?? []) resolve(value);
    this.waiting.delete(id);
  }
}
