import type { Database } from "bun:sqlite";
import { LIMITS } from "../../../generated/limits.ts";
import { GatewayError } from "../../platform/errors.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { ActiveRuns, InFlightRun, PendingInput } from "../../sessions/types.ts";
import { INTERNAL_MESSAGE } from "./failure-text.ts";
import { gathered } from "./gathered.ts";
import { type LaneGroup, laneGroup, mostAtOnce } from "./lane-groups.ts";
import { Lanes } from "./lanes.ts";
import { PendingInputs } from "./pending-inputs.ts";
import { plainQueue, queueSettings } from "./queue-settings.ts";
import { recover } from "./recovery.ts";
import { type LiveInput, liveInput, type Run } from "./run.ts";
import type { RunRecord } from "./run-records.ts";
import { ExpectedRuns, MAX_TIMER_MS, withinTime } from "./run-waiting.ts";
import { SessionQueues } from "./session-queues.ts";
import { Turn, type TurnDeps } from "./turn.ts";
import type { QueueMode, QueueSettings, RunInput, RunOutcome, StopOrigin } from "./types.ts";
import { type Occupation, Upkeep } from "./upkeep.ts";

export type RunsOptions = Omit<TurnDeps, "maxModelCalls" | "stored" | "compact">;

/** What came of an accepted message: a run, or what is known of its key already. */
export type Acceptance = { known: RunRecord } | { known: null; settled: Promise<RunOutcome> };

/** Upstream's default of `agents.defaults.timeoutSeconds`: two days. */
const DEFAULT_TIMEOUT_MS = 172_800_000;

/**
 * All runs of this gateway. Each session has a lane in which its runs follow one another; lanes run side by side up to
 * `agents.defaults.maxConcurrent`. A message is on disk before it is acknowledged.
 */
export class Runs implements ActiveRuns {
  private readonly lanes: Lanes<LaneGroup>;
  private readonly queues: SessionQueues;
  /** Accepted messages without an outcome yet, by the sender's key. */
  private readonly inputs = new Map<string, LiveInput>();
  private inputsChars = 0;
  private readonly pending: PendingInputs;
  private readonly expected = new ExpectedRuns();
  /** Work on sessions that is no turn, by session. */
  private readonly upkeep = new Map<string, Upkeep>();
  private readonly turnDeps: TurnDeps;
  private compaction: TurnDeps["compact"] = async () => false;
  private readonly ends: Record<RunOutcome["status"], number> = {
    ok: 0,
    error: 0,
    aborted: 0,
    timeout: 0,
    interrupted: 0,
  };
  private stopping = false;
  private readonly stopListeners: ((sessionKey: string) => Promise<void>)[] = [];
  private sincePruned = 0;

  constructor(private readonly options: RunsOptions) {
    this.lanes = new Lanes((group) => mostAtOnce(options.config.current, group), laneGroup);
    this.pending = new PendingInputs(LIMITS.pendingInputsShown);
    this.queues = new SessionQueues({
      ...options,
      lanes: this.lanes,
      pending: this.pending,
      perform: (run) => this.perform(run),
      ended: (status) => void this.ends[status]++,
    });
    this.turnDeps = {
      ...options,
      maxModelCalls: LIMITS.modelCallsPerRun,
      compact: (...args) => this.compaction(...args),
      stored: (inputs) => {
        for (const input of inputs) this.pending.remove(input);
      },
    };
  }

  /** Takes account of what the last stop or crash left. To be called once, before messages are accepted. */
  async recover(): Promise<void> {
    const { records, clock } = this.options;
    await recover(this.options);
    await records.prune(clock.now(), RETENTION);
    for (const record of await records.neverRan(LIMITS.pendingInputsShown)) {
      if (record.input === null) continue;
      this.pending.add(record.input, record.outcome?.status === "aborted" ? "cancelled" : "interrupted");
    }
  }

  defineMetrics(metrics: Metrics): void {
    metrics.gauge("chela_runs_active", "Runs at work.", () => this.lanes.atWork);
    metrics.gauge("chela_runs_waiting", "Runs that wait for their turn.", () => this.lanes.waiting);
    metrics.total("chela_runs_total", "Runs that have ended, by how.", () =>
      Object.entries(this.ends).map(([status, count]) => [{ status }, count]),
    );
  }

  /**
   * Accepts a message: stores it under its key, then gives it to its session. Nothing begins before the caller's turn
   * of the event loop is over, so the acknowledgement goes out first. `also` is stored with it, or nothing is.
   * @param queue what becomes of it when the session is busy; a mode alone stands for no cap and no quiet time
   * @throws GatewayError when too many messages wait, or the gateway is stopping
   */
  async accept(
    input: RunInput,
    requestHash: string,
    queue: QueueMode | QueueSettings,
    also?: (db: Database) => void,
  ): Promise<Acceptance> {
    this.admit(input.sessionKey);
    const known = await this.options.records.accept(input, requestHash, also);
    if (known) return { known };
    this.pruneNowAndThen();
    return { known: null, settled: this.begin(input, queue) };
  }

  /** Gives its session a message that is accepted already. Resolves with how its run ended. */
  begin(input: RunInput, queue: QueueMode | QueueSettings = "followup"): Promise<RunOutcome> {
    const live = liveInput(input);
    const chars = inputChars(live);
    this.inputs.set(live.runId, live);
    this.inputsChars += chars;
    this.expected.arrived(live.runId, live.settled);
    void live.settled.then(() => {
      this.inputs.delete(live.runId);
      this.inputsChars -= chars;
    });
    if (this.stopping) void this.queues.cancelInput(live, "restart");
    else {
      const settings = typeof queue === "string" ? plainQueue(queue) : queue;
      this.queues.place(live, settings, this.upkeep.has(live.sessionKey));
    }
    return live.settled;
  }

  /** Stores a message that the gateway answers itself, outside the lane. Resolves with what is known of its key. */
  async acceptCommand(input: RunInput, requestHash: string): Promise<RunRecord | null> {
    if (this.stopping) throw stopping();
    this.pruneNowAndThen();
    return this.options.records.accept(input, requestHash);
  }

  /** The end of a message that the gateway answered itself. */
  commandDone(runId: string, outcome: RunOutcome): Promise<void> {
    return this.options.records.settled(runId, outcome);
  }

  /** Forgets ended runs whose time is over, so that {@link find} does not know them any more. */
  async forgetOld(): Promise<void> {
    await this.options.records.prune(this.options.clock.now(), RETENTION);
  }

  /** What is stored of a key. */
  find(runId: string): Promise<RunRecord | null> {
    return this.options.records.find(runId);
  }

  /**
   * How a run ended: at once when it has, else as soon as it does, else null after `timeoutMs`. `live` tells that the
   * run was at work when it was asked for.
   */
  async wait(
    runId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<{ outcome: RunOutcome; live: boolean } | null> {
    const settled = (this.inputs.get(runId) ?? this.queues.find(runId)?.sources[0])?.settled;
    const coming = settled === undefined ? this.expected.wait(runId) : undefined;
    try {
      const record = coming && (await this.options.records.find(runId));
      if (record?.outcome) return { outcome: record.outcome, live: false };
      const outcome = await withinTime(settled ?? coming!.outcome, timeoutMs, signal);
      return outcome && { outcome, live: true };
    } finally {
      coming?.leave();
    }
  }

  /** Nothing new is taken any more. */
  get isStopping(): boolean {
    return this.stopping;
  }

  /** How many runs are at work. */
  get atWork(): number {
    return this.lanes.atWork;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.lanes.waiting;
  }

  /** How many may be at work at once, subagents not counted. */
  get maxConcurrent(): number {
    return mostAtOnce(this.options.config.current, "main");
  }

  /** What becomes of a message to a session that is busy, by what the session and the configuration say. */
  queueMode(sessionKey: string, own?: QueueMode): QueueMode {
    return queueSettings(this.options.config.current, { sessionKey }, { mode: own }).mode;
  }

  /**
   * Takes a session for work that is no turn: no run of it begins before `end` is called, and what stops the session aborts
   * `signal`. `begun` resolves when a run that was just being stored is over.
   * @returns null when the session is at work or messages wait in it
   */
  occupy(sessionKey: string): Occupation | null {
    const runs = this.queues.of(sessionKey);
    if (this.stopping || this.upkeep.has(sessionKey) || runs.some(({ state }) => state !== "closing")) return null;
    const release = this.lanes.hold(sessionKey);
    const work = new Upkeep(() => {
      this.upkeep.delete(sessionKey);
      release();
    });
    this.upkeep.set(sessionKey, work);
    const begun = Promise.all(runs.map((run) => run.finished)).then(() => undefined);
    return { runId: work.runId, signal: work.signal, begun, end: () => work.end() };
  }

  activeRunIds(sessionKey: string): string[] {
    const upkeep = this.upkeep.get(sessionKey);
    if (upkeep) return [upkeep.runId];
    const [first] = this.queues.of(sessionKey);
    // What waits for a quiet moment is shown as waiting only.
    const isShown = first && first.state !== "closing" && !(first.isQueued && first.state === "waiting");
    return isShown ? [first.id] : [];
  }

  pendingInputs(sessionKey: string): PendingInput[] {
    return this.pending.of(sessionKey);
  }

  inFlight(sessionKey: string): InFlightRun | null {
    const [run] = this.queues.of(sessionKey);
    if (run?.state !== "working" || run.startedAt === undefined) return null;
    const { visibleText: text, lastText } = run.events;
    return { runId: run.id, text, startedAt: run.startedAt, events: lastText ? [lastText] : [] };
  }

  activeModel(sessionKey: string): { provider: string; id: string } | null {
    const [run] = this.queues.of(sessionKey);
    return run?.state === "working" ? (run.model ?? null) : null;
  }

  /** The message behind a run that has not ended, or those that it answers together. */
  inputOf(runId: string): RunInput | null {
    const run = this.queues.find(runId);
    if (run) return run.input;
    const input = this.inputs.get(runId);
    if (input === undefined) return null;
    const holder = this.queues.holding(input);
    return holder?.state === "working" && holder.sources.includes(input) ? holder.input : input;
  }

  /**
   * Stops one run, or takes back a message that waits. Resolves when its end is stored and published.
   * @returns the ids of what was stopped; empty when there is nothing of that id
   */
  async abortRun(runId: string, origin: StopOrigin): Promise<string[]> {
    const run = this.queues.find(runId);
    if (run) {
      const ids = await this.queues.stop([run], origin);
      await this.tellStopped(run.sessionKey);
      return ids;
    }
    const upkeep = [...this.upkeep.values()].find((work) => work.runId === runId);
    if (upkeep) return [await upkeep.stop(origin)];
    const input = this.inputs.get(runId);
    const holder = input && this.queues.holding(input);
    if (input === undefined || holder === undefined) return [];
    if (!holder.withdraw(input)) return this.queues.stop([holder], origin);
    await this.queues.cancelInput(input, origin);
    return [runId];
  }

  /**
   * Stops everything of a session: the run at work, and all that waits. With `owner` only what that sender started.
   * @returns the ids of what was stopped, that at work first
   */
  async abortSession(sessionKey: string, origin: StopOrigin, owner?: string): Promise<string[]> {
    const upkeep = owner === undefined ? this.upkeep.get(sessionKey) : undefined;
    const upkept = upkeep ? [await upkeep.stop(origin)] : [];
    const isMeant = (input: RunInput) => owner === undefined || input.owner === owner;
    const runs = this.queues.of(sessionKey).filter(({ sources }) => sources.every(isMeant));
    const single = this.queues.withdraw(
      sessionKey,
      (input) => isMeant(input) && !runs.some(({ sources }) => sources.includes(input)),
    );
    const stopped = this.queues.stop(runs, origin);
    await Promise.all(single.map((input) => this.queues.cancelInput(input, origin)));
    const ids = await stopped;
    if (origin !== "restart" && owner === undefined) await this.tellStopped(sessionKey);
    return [...upkept, ...ids.slice(0, 1), ...single.map(({ runId }) => runId), ...ids.slice(1)];
  }

  /** Names what sums up the older part of a context when a turn has too much of it. */
  useCompaction(compact: TurnDeps["compact"]): void {
    this.compaction = compact;
  }

  /** Calls back when somebody stops the work of a session; whoever asked for the stop waits for it. */
  onStop(listener: (sessionKey: string) => Promise<void>): void {
    this.stopListeners.push(listener);
  }

  /** Stops the runs that a provider's models are at work for. @returns the ids of what was stopped */
  async abortProvider(provider: string): Promise<string[]> {
    const runs = [...this.queues.all()].filter((run) => run.model?.provider === provider);
    return this.queues.stop(runs, "auth-revoked");
  }

  /** Keeps runs of the session from beginning until the returned function is called. */
  hold(sessionKey: string): () => void {
    return this.lanes.hold(sessionKey);
  }

  /** The session starts over or is gone: what waited in it is shown no more. With `answers` they are forgotten, too. */
  async forgetSession(sessionKey: string, { answers = false } = {}): Promise<void> {
    const { records } = this.options;
    this.pending.forget(sessionKey);
    await Promise.all([records.forgetPending(sessionKey), answers && records.forgetAnswers(sessionKey)]);
  }

  /** Stops all runs and takes no more. Resolves when what they leave is stored. */
  async stop(): Promise<void> {
    this.stopping = true;
    const keys = new Set([...this.upkeep.keys(), ...this.queues.sessionKeys()]);
    await Promise.all([...keys].map((key) => this.abortSession(key, "restart")));
  }

  private async tellStopped(sessionKey: string): Promise<void> {
    for (const listener of this.stopListeners) {
      await listener(sessionKey).catch((error) =>
        this.options.log.error("a stop could not be passed on", { sessionKey, error }),
      );
    }
  }

  private admit(sessionKey: string): void {
    if (this.stopping) throw stopping();
    const waiting = this.queues.size(sessionKey);
    const full = this.inputs.size >= LIMITS.runQueueTotal || this.inputsChars >= LIMITS.runQueueChars;
    if (waiting >= LIMITS.runQueuePerSession || full) {
      throw new GatewayError("UNAVAILABLE", "Too many messages are waiting. Try again when some are answered.", {
        retryable: true,
      });
    }
  }

  /** One run in its lane, from start to end. Never rejects. */
  private async perform(run: Run): Promise<void> {
    run.input = gathered(run);
    const { timeoutMs } = run.input.settings;
    const limit = timeoutMs ?? this.defaultTimeoutMs();
    const timer = limit > 0 ? setTimeout(() => run.stop("timeout"), Math.min(limit, MAX_TIMER_MS)) : undefined;
    let outcome: RunOutcome;
    try {
      outcome = await new Turn(run, this.turnDeps).execute();
    } catch (error) {
      this.options.log.error("a run failed outside its turn", { runId: run.id, error });
      outcome = { status: "error", endedAt: this.options.clock.now(), error: INTERNAL_MESSAGE };
    }
    clearTimeout(timer);
    this.ends[outcome.status]++;
    this.queues.end(run, outcome);
  }

  private defaultTimeoutMs(): number {
    const seconds = this.options.config.current.agents?.defaults?.timeoutSeconds;
    return seconds === undefined ? DEFAULT_TIMEOUT_MS : seconds * 1000;
  }

  private pruneNowAndThen(): void {
    if (++this.sincePruned < LIMITS.idempotencyPruneEvery) return;
    this.sincePruned = 0;
    const { records, clock, log } = this.options;
    records.prune(clock.now(), RETENTION).catch((error) => log.error("old runs could not be forgotten", { error }));
  }
}

const RETENTION = {
  ttlMs: LIMITS.idempotencyTtlMs,
  maxEntries: LIMITS.idempotencyMaxEntries,
  pendingTtlMs: LIMITS.pendingInputTtlMs,
};

const stopping = (): GatewayError =>
  new GatewayError("UNAVAILABLE", "The gateway is stopping.", { retryable: true, details: { reason: "stopping" } });

/** Roughly how much memory a message takes: its text, and its images as base64. */
function inputChars({ message: { content } }: RunInput): number {
  if (typeof content === "string") return content.length;
  return content.reduce((sum, part) => {
    return sum + (part.type === "image" ? part.data.length : part.type === "text" ? part.text.length : 0);
  }, 0);
}
