import type { ResolvedModel } from "../../models/types.ts";
import type { RunEvents } from "./run-events.ts";
import type { RunInput, RunKind, RunOutcome, StopOrigin } from "./types.ts";

/** Why a run's signal was aborted. */
export class RunStopped extends Error {
  constructor(readonly origin: StopOrigin) {
    super(`the run was stopped (${origin})`);
    this.name = "RunStopped";
  }
}

/** An accepted message with the promise of its outcome. */
export interface LiveInput extends RunInput {
  readonly settled: Promise<RunOutcome>;
  settle(outcome: RunOutcome): void;
}

export function liveInput(input: RunInput): LiveInput {
  const { promise, resolve } = Promise.withResolvers<RunOutcome>();
  return { ...input, settled: promise, settle: resolve };
}

/** How a run stands among others that wait: messages may still join it, or it tells of those that had no room. */
export type RunRole = "alone" | "collecting" | "overflow";

/** One turn of a session: waiting in its lane, at work, closing (its answer is complete and being stored), ended. */
export class Run {
  state: "waiting" | "working" | "closing" | "ended" = "waiting";
  startedAt: number | undefined;
  /** The model that is answering. */
  model: ResolvedModel | undefined;
  private readonly control = new AbortController();
  private steered: LiveInput[] = [];
  private readonly end = Promise.withResolvers<void>();
  /** Until when the run waits for further messages, by `performance.now()`. */
  quietUntil = 0;
  /** It waits with others for which there is a cap and a quiet time. */
  isQueued = false;
  /** It was to replace what was at work when it came. */
  interrupts = false;

  /**
   * @param sources the accepted messages that it answers, oldest first
   * @param input what is said in the turn: the message itself, or one made of them all when the run begins
   */
  constructor(
    readonly id: string,
    readonly kind: RunKind,
    readonly sources: LiveInput[],
    readonly events: RunEvents,
    readonly role: RunRole = "alone",
    public input: RunInput = sources[0]!,
  ) {}

  get sessionKey(): string {
    return this.input.sessionKey;
  }

  get signal(): AbortSignal {
    return this.control.signal;
  }

  /** Who stopped the run, when somebody did. */
  get stopped(): StopOrigin | undefined {
    const { reason } = this.control.signal;
    return reason instanceof RunStopped ? reason.origin : undefined;
  }

  /** Resolves when the run has ended and everything it left is stored. */
  get finished(): Promise<void> {
    return this.end.promise;
  }

  /** True while a message can still be taken into this run. */
  get steerable(): boolean {
    return this.state === "working" && !this.control.signal.aborted;
  }

  /** Messages that wait to be taken into the run, oldest first. */
  get waitingInputs(): readonly LiveInput[] {
    return this.steered;
  }

  /** Gives the run a message for its next model call. */
  steer(input: LiveInput): void {
    this.steered.push(input);
  }

  /** Takes the messages that have come meanwhile, all or those that are meant. */
  takeSteered(isMeant: (input: LiveInput) => boolean = () => true): LiveInput[] {
    const taken = this.steered.filter(isMeant);
    this.steered = this.steered.filter((input) => !taken.includes(input));
    return taken;
  }

  /** Takes a message back before the run has it; false when the run does not have it, or nothing else to say. */
  withdraw(input: LiveInput): boolean {
    if (this.steered.includes(input)) return this.takeSteered((other) => other === input).length > 0;
    const at = this.sources.indexOf(input);
    if (at < 0 || this.state !== "waiting" || this.sources.length === 1) return false;
    this.sources.splice(at, 1);
    return true;
  }

  stop(origin: StopOrigin): void {
    this.control.abort(new RunStopped(origin));
  }

  ended(): void {
    this.state = "ended";
    this.end.resolve();
  }
}
