import { LIMITS } from "../../../generated/limits.ts";
import { type Ended, outputOf, runProcess } from "../command.ts";
import type { Job, Schedule } from "../job.ts";
import { backoff } from "../outcome.ts";
import type { Source, SourcePorts } from "./types.ts";

type OnExit = Extract<Schedule, { kind: "on-exit" }>;

/**
 * Runs the command of an `on-exit` schedule and begins the job once when it has ended. The job is turned off in the same
 * write that begins its run, so that neither a crash nor a second look begins it twice. While an earlier run of the job
 * is at work the end waits. (Docs: cron-jobs/schedules; words as recorded from 2026.9.6.)
 */
export class ExitWatch implements Source {
  private readonly ending = new AbortController();
  private readonly done: Promise<void>;
  private words: string | null = null;
  private isFiring = false;

  constructor(
    private readonly job: Job,
    private readonly schedule: OnExit,
    private readonly folder: string,
    private readonly ports: SourcePorts,
    onError: (error: unknown) => void,
  ) {
    this.done = this.watch().catch(onError);
  }

  pump(): void {
    if (this.words !== null && !this.isFiring && !this.ending.signal.aborted) void this.fire();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.done;
  }

  private async watch(): Promise<void> {
    const { ports, job, schedule } = this;
    const { signal } = this.ending;
    const argv = ["sh", "-lc", schedule.command];
    const cwd = schedule.cwd ?? this.folder;
    for (let failures = 1; !signal.aborted; failures++) {
      let error = await ports.refusal(job, argv, cwd, signal);
      if (signal.aborted) return;
      if (error === null) {
        try {
          const ended = await runProcess(
            { kind: "command", argv, timeoutSeconds: 0, outputMaxBytes: LIMITS.cronCommandOutputBytes },
            cwd,
            signal,
          );
          if (signal.aborted) return;
          this.words = wordsOf(ended);
          await this.fire();
          return;
        } catch (problem) {
          error = `cron on-exit watcher spawn failed: ${(problem as NodeJS.ErrnoException).code ?? "unknown"}`;
        }
      }
      await ports.fail(job.id, error, (known) => (this.isSame(known) ? known : null));
      await ports.wait(backoff(failures), signal);
    }
  }

  private async fire(): Promise<void> {
    const { ports, job } = this;
    this.isFiring = true;
    try {
      const fired = await ports.fire(job.id, this.words!, (known) => {
        if (!this.isSame(known)) return null;
        const at = ports.now();
        return { ...known, enabled: false, updatedAtMs: at, state: { ...known.state, scheduleActivatedAtMs: at } };
      });
      if (fired !== "later") this.words = null;
    } finally {
      this.isFiring = false;
    }
  }

  private isSame(known: Job): boolean {
    return !this.ending.signal.aborted && known.enabled && watchKey(known) === watchKey(this.job);
  }
}

/** Names a watch: another one is meant after each change of it, and when it is turned on again. */
export const watchKey = ({ schedule, state }: Job): string =>
  JSON.stringify([
    schedule,
    schedule.kind === "stream" ? state.streamSourceIdentity : (state.scheduleActivatedAtMs ?? null),
  ]);

function wordsOf(ended: Ended): string {
  const { exitCode, signal } = ended;
  const output = outputOf(ended);
  const lines = [
    "Watched command finished.",
    `Exit code: ${signal === null ? exitCode : "none"}`,
    `Reason: ${signal === null ? "exit" : "signal"}`,
  ];
  return [...lines, ...(output === "" ? [] : ["", "Output:", output])].join("\n");
}
