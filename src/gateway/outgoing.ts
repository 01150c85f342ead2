/** A connection as the bound of all outgoing bytes sees it. */
export interface Reader {
  /** Bytes that wait for the peer to read, now. */
  readonly bufferedBytes: number;
  /** Ends it at once, which frees what waits for it. */
  cutOff(): void;
}

/**
 * What waits to be sent, over all connections together: each may fall behind by `maxBufferedBytes`, a hundred of them
 * would fill the memory. Above `maxBufferedTotalBytes` the reader that is furthest behind is cut off, then the next,
 * until what is left fits. Those that are being closed as slow readers count until their socket is gone.
 *
 * Only connections that are behind are known here. What is kept of each is as old as its last send or drain and never
 * too low, so the exact amounts are asked for only when the sum says that it may be too much.
 */
export class Outgoing<R extends Reader> {
  private readonly behind = new Map<R, number>();
  private sum = 0;
  /** How many were cut off because all together were too far behind. */
  cut = 0;

  constructor(
    private readonly mostBytes: number,
    private readonly onCut: (reader: R, bytes: number) => void = () => {},
  ) {}

  /** Bytes that wait for all readers, now. */
  get bytes(): number {
    for (const reader of [...this.behind.keys()]) this.note(reader, reader.bufferedBytes);
    return this.sum;
  }

  /** Not all of what was sent to it has left, or some of it has now. */
  update(reader: R): void {
    this.note(reader, reader.bufferedBytes);
    if (this.sum > this.mostBytes && this.bytes > this.mostBytes) this.relieve();
  }

  /** Its socket is gone. */
  remove(reader: R): void {
    this.note(reader, 0);
  }

  private relieve(): void {
    const slowestFirst = [...this.behind].sort(([, a], [, b]) => b - a);
    for (const [reader, bytes] of slowestFirst) {
      if (this.sum <= this.mostBytes) return;
      this.cut++;
      this.remove(reader);
      reader.cutOff();
      this.onCut(reader, bytes);
    }
  }

  private note(reader: R, bytes: number): void {
    this.sum += bytes - (this.behind.get(reader) ?? 0);
    if (bytes > 0) this.behind.set(reader, bytes);
    else this.behind.delete(reader);
  }
}
