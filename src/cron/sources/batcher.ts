import { LIMITS } from "../../../generated/limits.ts";
import { LineMatch } from "./line-match.ts";

const CUT = "[truncated]";

export interface BatchRules {
  mode?: "line" | "match";
  match?: string;
  batchMs?: number;
  maxBatchBytes?: number;
}

/** Text within a number of bytes, with a mark when something is missing. */
export function bounded(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text).subarray(0, bytes - CUT.length);
  // A character that was cut in two is no character.
  return kept.toString("utf8").replace(/\uFFFD+$/, "") + CUT;
}

/** The lines of one output, of which the last may be unfinished. */
class Lines {
  private rest = "";
  private isCut = false;

  /** Calls back with each line that is complete. Of one that is too long only its begin is there. */
  add(text: string, tell: (line: string, isCut: boolean) => void): void {
    const pieces = text.split("\n");
    for (const [index, piece] of pieces.entries()) {
      const room = LIMITS.cronStreamLineChars - this.rest.length;
      this.isCut ||= piece.length > room;
      this.rest += piece.slice(0, Math.max(room, 0));
      if (index < pieces.length - 1) this.end(tell);
    }
  }

  end(tell: (line: string, isCut: boolean) => void): void {
    const [line, isCut] = [this.rest, this.isCut];
    [this.rest, this.isCut] = ["", false];
    tell(line.endsWith("\r") ? line.slice(0, -1) : line, isCut);
  }

  get isEmpty(): boolean {
    return this.rest === "";
  }
}

/**
 * Makes batches of the lines that a command says: one ends after some silence, or when it is full, and says then that
 * something is missing. (Docs: cron-jobs/schedules, Stream sources.)
 */
export class Batcher {
  private readonly outputs = { stdout: new Lines(), stderr: new Lines() };
  private readonly matcher: LineMatch | null;
  private readonly batchMs: number;
  private readonly maxBytes: number;
  private batch: string | null = null;
  private timer: Timer | undefined;
  private isStopped = false;

  /** @param onFault told once when lines cannot be matched; nothing is told after it */
  constructor(
    rules: BatchRules,
    private readonly onBatch: (text: string) => void,
    private readonly onFault: (error: Error) => void,
  ) {
    this.matcher = rules.mode === "match" ? new LineMatch(rules.match ?? "") : null;
    this.batchMs = rules.batchMs ?? LIMITS.cronStreamBatchMs;
    this.maxBytes = rules.maxBatchBytes ?? LIMITS.cronStreamBatchBytes;
  }

  add(output: "stdout" | "stderr", text: string): void {
    if (!this.isStopped) this.guarded(() => this.outputs[output].add(text, this.line));
  }

  /** The command has ended: what it has said last counts. */
  end(): void {
    if (this.isStopped) return;
    this.guarded(() => {
      for (const lines of Object.values(this.outputs)) if (!lines.isEmpty) lines.end(this.line);
    });
    this.close();
  }

  /** Nothing is told any more. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private readonly line = (line: string, isCut: boolean): void => {
    // An expression about a line's end says nothing of one whose end is missing.
    if (this.matcher !== null && (isCut || !this.matcher.test(line))) return;
    if (this.batch === null && line === "") return;
    this.batch = this.batch === null ? line : `${this.batch}\n${line}`;
    if (Buffer.byteLength(this.batch) > this.maxBytes) this.close();
    else this.wait();
  };

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.close(), this.batchMs);
    this.timer.unref();
  }

  private close(): void {
    clearTimeout(this.timer);
    const { batch } = this;
    this.batch = null;
    if (batch !== null && !this.isStopped) this.onBatch(bounded(batch, this.maxBytes));
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.stop();
      this.onFault(error as Error);
    }
  }
}
