import type { Job, JobState } from "../job.ts";

/** What becomes of a run that a source wants: `later` when the job is at work or nothing may begin now. */
export type Fired = "begun" | "later" | "gone";

export interface SourcePorts {
  /** Begins a run of a job with words behind its own. `decide` sees the job as it is and gives it as it is while it runs. */
  fire(jobId: string, words: string, decide: (job: Job) => Job | null): Promise<Fired>;
  /** Records that a job could not do what it is for, as a failed run. `decide` gives the job as it is then. */
  fail(jobId: string, error: string, decide: (job: Job) => Job | null): Promise<Fired>;
  /** Changes what is remembered of a job if it is still the one that the source is of. */
  note(jobId: string, decide: (job: Job) => JobState | null): Promise<void>;
  /** Why a job's command may not run now, or null. */
  refusal(job: Job, argv: readonly string[], cwd: string, signal: AbortSignal): Promise<string | null>;
  now(): number;
  /** Resolves after a while, or when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** A command that is watched for a job. */
export interface Source {
  /** Begins what waits, if it may begin now. */
  pump(): void;
  /** Ends the command with all that came of it. Nothing is begun any more. */
  stop(): Promise<void>;
}
