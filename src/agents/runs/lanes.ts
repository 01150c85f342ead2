/** A job's place in its lane. */
export interface Ticket {
  /** Takes the job out while it waits. False when it has begun. */
  cancel(): boolean;
}

interface Entry {
  job: () => Promise<void>;
  begun: boolean;
}

interface Lane {
  waiting: Entry[];
  running: boolean;
  /** How many keep its jobs from beginning. */
  held: number;
}

/**
 * One lane per session: jobs of a lane run one after the other in order, lanes side by side up to the number of their group.
 * A job begins in a later turn of the event loop than the one that queued it, so that whoever queued it can answer
 * first. Jobs must not reject.
 */
export class Lanes<G extends string = string> {
  private readonly lanes = new Map<string, Lane>();
  /** Of each group the keys of lanes that could go on, in the order in which they became so, and how many are at work. */
  private readonly groups = new Map<G, { ready: string[]; running: number }>();
  private running = 0;
  private waitingJobs = 0;

  /**
   * `maxConcurrent` of a group is read at each start; below 1 it counts as 1. `groupOf` a lane must always be the same,
   * and one of a few.
   */
  constructor(
    private readonly maxConcurrent: (group: G) => number,
    private readonly groupOf: (key: string) => G = () => "main" as G,
  ) {}

  /** Jobs that wait, in all lanes. */
  get waiting(): number {
    return this.waitingJobs;
  }

  /** Jobs at work. */
  get atWork(): number {
    return this.running;
  }

  /** Queues a job at the lane's end, or behind the first `at` that wait. */
  enqueue(key: string, job: () => Promise<void>, at?: number): Ticket {
    const lane = this.lane(key);
    const entry: Entry = { job, begun: false };
    if (!lane.running && lane.held === 0 && lane.waiting.length === 0) this.group(key).ready.push(key);
    lane.waiting.splice(at ?? lane.waiting.length, 0, entry);
    this.waitingJobs++;
    setImmediate(() => this.pump());
    return { cancel: () => this.cancel(key, lane, entry) };
  }

  /** Lets no job of the lane begin until the returned function is called; one at work goes on. */
  hold(key: string): () => void {
    const lane = this.lane(key);
    lane.held++;
    this.notReady(key);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      lane.held--;
      if (lane.held > 0 || lane.running) return;
      if (lane.waiting.length > 0) this.group(key).ready.push(key);
      else this.leave(key);
      setImmediate(() => this.pump());
    };
  }

  private lane(key: string): Lane {
    const lane = this.lanes.get(key) ?? { waiting: [], running: false, held: 0 };
    this.lanes.set(key, lane);
    return lane;
  }

  private cancel(key: string, lane: Lane, entry: Entry): boolean {
    const at = lane.waiting.indexOf(entry);
    if (entry.begun || at < 0) return false;
    lane.waiting.splice(at, 1);
    this.waitingJobs--;
    if (lane.waiting.length === 0 && !lane.running && lane.held === 0) this.leave(key);
    return true;
  }

  private leave(key: string): void {
    this.lanes.delete(key);
    this.notReady(key);
  }

  private notReady(key: string): void {
    const { ready } = this.group(key);
    const at = ready.indexOf(key);
    if (at >= 0) ready.splice(at, 1);
  }

  private pump(): void {
    for (const [name, group] of this.groups) {
      const most = Math.max(1, this.maxConcurrent(name));
      while (group.running < most && group.ready.length > 0) this.start(group.ready.shift()!, group);
    }
  }

  private group(key: string) {
    const name = this.groupOf(key);
    const group = this.groups.get(name) ?? { ready: [], running: 0 };
    this.groups.set(name, group);
    return group;
  }

  private start(key: string, group: { running: number }): void {
    const lane = this.lanes.get(key)!;
    const entry = lane.waiting.shift()!;
    this.waitingJobs--;
    entry.begun = true;
    lane.running = true;
    this.running++;
    group.running++;
    void entry.job().finally(() => {
      this.running--;
      group.running--;
      lane.running = false;
      if (lane.held > 0) this.notReady(key);
      else if (lane.waiting.length > 0) this.group(key).ready.push(key);
      else this.leave(key);
      this.pump();
    });
  }
}
