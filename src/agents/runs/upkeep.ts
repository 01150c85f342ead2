import { uuid } from "../../platform/ids.ts";
import { RunStopped } from "./run.ts";
import type { StopOrigin } from "./types.ts";

/** A session that was taken for work that is no turn. */
export interface Occupation {
  /** By which the work can be stopped, as a run is. */
  runId: string;
  signal: AbortSignal;
  begun: Promise<void>;
  /** Gives the session back. */
  end(): void;
}

/** Work on a session that is no turn, such as a summary of it. */
export class Upkeep {
  readonly runId = uuid();
  private readonly control = new AbortController();
  private readonly finished = Promise.withResolvers<void>();

  constructor(private readonly release: () => void) {}

  get signal(): AbortSignal {
    return this.control.signal;
  }

  end(): void {
    this.release();
    this.finished.resolve();
  }

  /** Stops the work and waits until it is over. Resolves with its id. */
  async stop(origin: StopOrigin): Promise<string> {
    this.control.abort(new RunStopped(origin));
    await this.finished.promise;
    return this.runId;
  }
}
