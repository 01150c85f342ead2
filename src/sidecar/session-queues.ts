/** Tasks, in all and of one session, and sessions at work at once. */
export interface QueueBounds {
  perSession: number;
  total: number;
  atOnce: number;
}

type Task = () => Promise<void>;

/**
 * Work in order within each session, several sessions at once, each in its turn. Bounded: what does not fit is refused.
 */
export class SessionQueues {
  private readonly queues = new Map<string, Task[]>();
  private readonly ready: string[] = [];
  private readonly running = new Set<Promise<void>>();
  private waiting = 0;
  private closed = false;

  /** @param onFailure told of a task that fails, which ends nothing else */
  constructor(
    private readonly bounds: QueueBounds,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Tasks that have not begun. */
  get length(): number {
    return this.waiting;
  }

  /** Puts a task behind those of its session. False when there is no room; what is `minor` may fill half of it. */
  push(session: string, task: Task, { minor = false } = {}): boolean {
    const share = minor ? 0.5 : 1;
    const queue = this.queues.get(session) ?? [];
    const isFull = queue.length >= this.bounds.perSession * share || this.waiting >= this.bounds.total * share;
    if (this.closed || isFull) return false;
    if (!this.queues.has(session)) {
      this.queues.set(session, queue);
      this.ready.push(session);
    }
    queue.push(task);
    this.waiting++;
    this.pump();
    return true;
  }

  /** Takes nothing more and drops what has not begun; resolves when what has begun is done. */
  async close(): Promise<void> {
    this.closed = true;
    this.queues.clear();
    this.ready.length = 0;
    this.waiting = 0;
    await Promise.all(this.running);
  }

  private pump(): void {
    while (this.running.size < this.bounds.atOnce && this.ready.length > 0) {
      const session = this.ready.shift()!;
      const task = this.queues.get(session)!.shift()!;
      this.waiting--;
      const run = this.perform(task).then(() => {
        this.running.delete(run);
        this.finished(session);
      });
      this.running.add(run);
    }
  }

  private async perform(task: Task): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.onFailure(error);
    }
  }

  private finished(session: string): void {
    const queue = this.queues.get(session);
    if (queue?.length === 0) this.queues.delete(session);
    else if (queue !== undefined) this.ready.push(session);
    this.pump();
  }
}
