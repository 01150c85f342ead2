/** The requests that are being served, by how they came and what they ask for: `ws:agent`, `http:sessions.list`. */
export class OpenRequests {
  private readonly counts = new Map<string, number>();

  /** Returns the function that ends it. */
  begin(name: string): () => void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    return () => {
      const left = this.counts.get(name)! - 1;
      if (left > 0) this.counts.set(name, left);
      else this.counts.delete(name);
    };
  }

  /** Names with their counts, those that control a suspension left out: they never stand in its way. */
  list(): [string, number][] {
    return [...this.counts].filter(([name]) => !/:gateway\.(suspend|restart)\./.test(name));
  }
}
