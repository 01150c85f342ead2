/**
 * Starts a bounded number of requests of each owner per turn of the event loop and keeps a bounded number
 * waiting, so that one connection with a burst neither starves the others nor fills the memory.
 */
export class StartQueue<Owner extends object, Item> {
  private readonly lines = new Map<Owner, Line<Item>>();
  private scheduled = false;

  constructor(
    private readonly limits: { perTurn: number; waiting: number },
    private readonly start: (owner: Owner, item: Item) => void,
  ) {}

  /** Starts the item now, or lets it wait. False when too many are waiting already. */
  submit(owner: Owner, item: Item): boolean {
    let line = this.lines.get(owner);
    if (line === undefined) {
      line = { started: 0, waiting: [] };
      this.lines.set(owner, line);
      this.schedule();
    }
    if (line.started < this.limits.perTurn) {
      line.started++;
      this.start(owner, item);
      return true;
    }
    if (line.waiting.length >= this.limits.waiting) return false;
    line.waiting.push(item);
    return true;
  }

  forget(owner: Owner): void {
    this.lines.delete(owner);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.nextTurn());
  }

  /** Owners that have nothing waiting are forgotten; the others get their next share. */
  private nextTurn(): void {
    this.scheduled = false;
    for (const [owner, line] of this.lines) {
      const share = line.waiting.splice(0, this.limits.perTurn);
      if (share.length === 0) {
        this.lines.delete(owner);
        continue;
      }
      line.started = share.length;
      this.schedule();
      for (const item of share) this.start(owner, item);
    }
  }
}

interface Line<Item> {
  started: number;
  waiting: Item[];
}
