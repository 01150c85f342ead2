/** A number of places that are given out in the order in which they are asked for. */
export class Places {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** Waits for a place. The function returned gives it to the next one; calling it again does nothing. */
  async take(): Promise<() => void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let holds = true;
    return () => {
      if (!holds) return;
      holds = false;
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    };
  }
}
