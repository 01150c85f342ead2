import { networkOf, type PeerFacts } from "./peer.ts";

/** A socket before hello, as its bounds see it. */
export interface Stranger {
  readonly peer: PeerFacts;
  /** Ends it at once, without a word. */
  cutOff(): void;
}

export interface StrangerLimits {
  preauthSocketsPerAddress: number;
  preauthSocketsTotal: number;
  preauthMemoryBytes: number;
  preauthLookMs: number;
  preauthBarMs: number;
}

/**
 * The sockets that have not said hello, and the bounds of what they may take together.
 *
 * The socket library collects a frame natively until it is whole, and tells nothing of one that is not: its bound is
 * that of authenticated clients, 25 MiB, and the far lower one for strangers can be applied only when their frame has
 * arrived. So the memory is watched from outside: when the process has grown by `preauthMemoryBytes` while strangers
 * were there, all of them are cut off, which frees what was collected for them, and their networks stay out for a
 * moment. A client that says hello is a stranger for some milliseconds; one that is cut off by mistake, because others
 * used so much just then, connects again.
 */
export class Strangers {
  private readonly waiting = new Set<Stranger>();
  private readonly byNetwork = new Map<string, number>();
  /** Of those cut off last; as many as there were strangers at most. */
  private barred: ReadonlySet<string> = new Set();
  private barEnds: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  /** The least memory seen since the first of those that wait came. */
  private floor = 0;
  /** How many were cut off because of memory. */
  cut = 0;

  /** @param resident tells the resident memory of the process in bytes; asking costs some ten microseconds */
  constructor(
    private readonly limits: StrangerLimits,
    private readonly resident: () => number = () => process.memoryUsage.rss(),
  ) {}

  get count(): number {
    return this.waiting.size;
  }

  /** True when no more may come, from this peer's network or at all. */
  isFullFor({ remoteAddress }: PeerFacts): boolean {
    const { preauthSocketsPerAddress, preauthSocketsTotal } = this.limits;
    const network = networkOf(remoteAddress);
    const waiting = this.byNetwork.get(network) ?? 0;
    if (waiting >= preauthSocketsPerAddress || this.waiting.size >= preauthSocketsTotal) return true;
    return this.barred.has(network);
  }

  add(stranger: Stranger): void {
    const network = networkOf(stranger.peer.remoteAddress);
    this.byNetwork.set(network, (this.byNetwork.get(network) ?? 0) + 1);
    if (this.waiting.size === 0) this.floor = this.resident();
    this.waiting.add(stranger);
    this.timer ??= setInterval(() => this.look(), this.limits.preauthLookMs);
  }

  /** It has said hello, or is gone. */
  remove(stranger: Stranger): void {
    if (!this.waiting.delete(stranger)) return;
    const network = networkOf(stranger.peer.remoteAddress);
    const others = (this.byNetwork.get(network) ?? 1) - 1;
    if (others > 0) this.byNetwork.set(network, others);
    else this.byNetwork.delete(network);
    if (this.waiting.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    const resident = this.resident();
    this.floor = Math.min(this.floor, resident);
    if (resident - this.floor <= this.limits.preauthMemoryBytes) return;
    this.bar(new Set(this.byNetwork.keys()));
    this.cut += this.waiting.size;
    for (const stranger of [...this.waiting]) stranger.cutOff();
  }

  private bar(networks: ReadonlySet<string>): void {
    this.barred = networks;
    clearTimeout(this.barEnds);
    this.barEnds = setTimeout(() => {
      this.barred = new Set();
    }, this.limits.preauthBarMs);
    this.barEnds.unref();
  }
}
