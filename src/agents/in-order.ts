/** Work of one key runs one after the other, in the order in which it was given; keys side by side. */
export class InOrder {
  /** The end of what was given last; a key is forgotten when nothing of it is left. */
  private readonly last = new Map<string, Promise<void>>();

  /** Resolves or rejects as the work does. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.last.set(key, promise);
    try {
      await before;
      return await work();
    } finally {
      if (this.last.get(key) === promise) this.last.delete(key);
      resolve();
    }
  }
}
