import { isAbsolute } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import { inheritable } from "../../platform/steering-env.ts";
import { type Exit, start } from "../../tools/exec/child.ts";
import type { Job, JobState, Schedule } from "../job.ts";
import { backoff } from "../outcome.ts";
import { Batcher, bounded } from "./batcher.ts";
import { watchKey } from "./exit-watch.ts";
import type { Source, SourcePorts } from "./types.ts";

type Stream = Extract<Schedule, { kind: "stream" }>;

/**
 * Keeps the command of a `stream` schedule at work and begins the job with batches of its lines. One batch at most
 * waits, into which later ones go, while the job is at work or its last run is too near. A command that ends soon five
 * times in a row is given up until the job is turned on again. (Docs: cron-jobs/schedules, Stream sources.)
 */
export class StreamSource implements Source {
  private readonly ending = new AbortController();
  private readonly done: Promise<void>;
  private readonly maxBytes: number;
  private pending: string | null = null;
  private coalesced = 0;
  private isFiring = false;
  private timer: Timer | undefined;

  constructor(
    private readonly job: Job,
    private readonly schedule: Stream,
    private readonly folder: string,
    private readonly ports: SourcePorts,
    private readonly onError: (error: unknown) => void,
  ) {
    this.maxBytes = schedule.maxBatchBytes ?? LIMITS.cronStreamBatchBytes;
    this.done = this.supervise().catch(onError);
  }

  pump(): void {
    if (this.pending === null || this.isFiring || this.ending.signal.aborted) return;
    this.isFiring = true;
    void this.fire()
      .catch(this.onError)
      .finally(() => {
        this.isFiring = false;
      });
  }

  async stop(): Promise<void> {
    this.ending.abort();
    clearTimeout(this.timer);
    this.pending = null;
    await this.done;
  }

  private async supervise(): Promise<void> {
    const { ports } = this;
    const { signal } = this.ending;
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = ports.now();
      const error = await this.live(startedAt, failures);
      if (signal.aborted) break;
      const isLasting = ports.now() - startedAt >= LIMITS.cronStreamLastingMs;
      failures = isLasting ? 0 : failures + 1;
      const isOver = error.isFatal || failures >= LIMITS.cronStreamFailures;
      const facts = { streamConsecutiveFailures: failures, streamError: error.text, ...error.facts };
      if (isOver) return this.giveUp(facts);
      await this.note({ ...facts, streamStatus: "restarting" });
      await ports.wait(backoff(Math.max(failures, 1)), signal);
    }
    await ports.note(this.job.id, ({ enabled, schedule, state }) =>
      enabled || schedule.kind !== "stream" ? null : { ...state, streamStatus: "stopped" },
    );
  }

  /** One life of the command. Resolves when it has ended, with what is to be said of it. */
  private async live(startedAt: number, failures: number): Promise<Death> {
    const { ports, job, schedule } = this;
    const { signal } = this.ending;
    const cwd = schedule.cwd ?? this.folder;
    const refusal = await ports.refusal(job, schedule.command, cwd, signal);
    if (refusal !== null) return { text: refusal };
    if (signal.aborted) return { text: "" };
    let fault: Error | null = null;
    let end = (): void => {};
    const batcher = new Batcher(
      schedule,
      (text) => this.take(text),
      (error) => {
        fault = error;
        end();
      },
    );
    try {
      if (!isAbsolute(cwd)) throw Object.assign(new Error("the folder is not absolute"), { code: "ENOENT" });
      const child = start({
        argv: schedule.command,
        cwd,
        env: inheritable(process.env),
        pty: false,
        onOutput: (text) => batcher.add("stdout", text),
        onErrorOutput: (text) => batcher.add("stderr", text),
      });
      let ended: Promise<unknown> = child.ended;
      end = () => {
        ended = child.end(LIMITS.cronCommandGraceMs);
      };
      signal.addEventListener("abort", end);
      if (signal.aborted || fault !== null) end();
      await this.note({
        streamStatus: "running",
        streamConsecutiveFailures: failures,
        streamLastStartedAtMs: startedAt,
      });
      const exit = await child.ended;
      await ended;
      signal.removeEventListener("abort", end);
      batcher.end();
      if (fault !== null) return { text: `stream matching stopped: ${(fault as Error).message}`, isFatal: true };
      return { text: exitText(exit), facts: { streamLastExitAtMs: ports.now() } };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return { text: `stream source failed to start: ${code}` };
    } finally {
      batcher.stop();
    }
  }

  /** It has failed too often, or cannot go on: the job waits for somebody, and its failure is told. */
  private async giveUp(facts: Partial<JobState>): Promise<void> {
    const { ports, job } = this;
    const { signal } = this.ending;
    const over = { ...facts, streamStatus: "error" as const, streamRestartExhausted: true };
    // It counts as so many failures in a row, so that whoever wants to hear of them does.
    const consecutiveErrors = LIMITS.cronStreamFailures - 1;
    const decide = (known: Job) =>
      this.isMeant(known) ? { ...known, state: { ...known.state, ...over, consecutiveErrors } } : null;
    while ((await ports.fail(job.id, facts.streamError ?? "The stream source failed.", decide)) === "later") {
      await ports.wait(LIMITS.cronMinGapMs, signal);
      if (signal.aborted) return;
    }
  }

  private take(text: string): void {
    if (this.ending.signal.aborted) return;
    if (this.pending === null) this.pending = text;
    else {
      this.pending = bounded(`${this.pending}\n${text}`, this.maxBytes);
      this.coalesced++;
    }
    this.pump();
  }

  private async fire(): Promise<void> {
    const { ports, job } = this;
    const [words, merged] = [this.pending!, this.coalesced];
    [this.pending, this.coalesced] = [null, 0];
    let waitMs = 0;
    const fired = await ports.fire(job.id, words, (known) => {
      if (!this.isMeant(known)) return null;
      const since = ports.now() - (known.state.lastRunAtMs ?? Number.NEGATIVE_INFINITY);
      if (since >= 0 && since < LIMITS.cronTriggerEveryMs) {
        waitMs = LIMITS.cronTriggerEveryMs - since;
        return null;
      }
      const { streamCoalescedBatches = 0, streamDroppedBatches = 0 } = known.state;
      const counts = { streamCoalescedBatches: streamCoalescedBatches + merged, streamDroppedBatches };
      return { ...known, state: { ...known.state, ...(merged > 0 && counts) } };
    });
    if (waitMs === 0 && fired !== "later") return;
    const later = this.pending;
    this.pending = later === null ? words : bounded(`${words}\n${later}`, this.maxBytes);
    this.coalesced += merged + (later === null ? 0 : 1);
    clearTimeout(this.timer);
    if (waitMs > 0) this.timer = setTimeout(() => this.pump(), waitMs);
    this.timer?.unref();
  }

  private note(facts: Partial<JobState>): Promise<void> {
    return this.ports.note(this.job.id, (known) => (this.isMeant(known) ? { ...known.state, ...facts } : null));
  }

  private isMeant(known: Job): boolean {
    return !this.ending.signal.aborted && known.enabled && watchKey(known) === watchKey(this.job);
  }
}

/** How a life of the command ended. */
interface Death {
  text: string;
  isFatal?: true;
  facts?: Partial<JobState>;
}

const exitText = ({ code, signal }: Exit): string =>
  signal === null ? `stream source exited (exit, code ${code})` : `stream source exited (signal, ${signal})`;
