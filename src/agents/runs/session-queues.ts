import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import { uuid } from "../../platform/ids.ts";
import type { Logger } from "../../platform/logger.ts";
import type { SessionsPort } from "../../sessions/types.ts";
import { injectedMessage, shownMessage } from "../injected.ts";
import { mayJoin } from "./authority.ts";
import { mayShareTurn } from "./gathered.ts";
import type { Lanes, Ticket } from "./lanes.ts";
import type { PendingInputs } from "./pending-inputs.ts";
import { type LiveInput, Run, type RunRole } from "./run.ts";
import { publishConsumed, RunEvents } from "./run-events.ts";
import type { RunRecords } from "./run-records.ts";
import { MAX_TIMER_MS } from "./run-waiting.ts";
import { stopReasonOf } from "./turn-endings.ts";
import type { QueueSettings, RunKind, RunOutcome, StopOrigin } from "./types.ts";

export interface SessionQueuesOptions {
  sessions: Pick<SessionsPort, "append">;
  records: RunRecords;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  lanes: Pick<Lanes, "enqueue" | "hold">;
  pending: PendingInputs;
  /** One run in its lane, from start to end. Must not reject. */
  perform(run: Run): Promise<void>;
  /** A message that never ran has come to this end. */
  ended(status: RunOutcome["status"]): void;
}

/** Upstream's words for a sender whose message found no room. */
const QUEUE_FULL =
  "This message was not queued because the session queue is full. Please try again after the current response finishes.";

/**
 * The runs of each session, that at work first and those that wait behind it, and what becomes of a message that comes
 * while its session is busy (docs: concepts/queue, concepts/queue-steering).
 */
export class SessionQueues {
  /** Runs of a session that have not ended, in the order in which they will run. */
  private readonly bySession = new Map<string, Run[]>();
  private readonly byId = new Map<string, Run>();
  private readonly tickets = new Map<Run, Ticket>();
  /** Lanes that are held until nothing more has come for a while. */
  private readonly quiet = new Map<string, { until: number; end(): void }>();

  constructor(private readonly options: SessionQueuesOptions) {}

  /** Runs of a session, that at work first. */
  of(sessionKey: string): readonly Run[] {
    return this.bySession.get(sessionKey) ?? [];
  }

  find(runId: string): Run | undefined {
    return this.byId.get(runId);
  }

  /** The run that has taken up a message, or will. */
  holding(input: LiveInput): Run | undefined {
    return this.of(input.sessionKey).find((run) => run.sources.includes(input) || run.waitingInputs.includes(input));
  }

  all(): Iterable<Run> {
    return this.byId.values();
  }

  sessionKeys(): Iterable<string> {
    return this.bySession.keys();
  }

  /** Messages of a session that wait, in whatever way, and that at work. */
  size(sessionKey: string): number {
    return this.of(sessionKey).reduce((sum, run) => sum + run.sources.length + run.waitingInputs.length, 0);
  }

  /** Gives an accepted message its place. `isHeld` tells that other work keeps the session from beginning. */
  place(input: LiveInput, queue: QueueSettings, isHeld: boolean): void {
    const [current, ...waiting] = this.of(input.sessionKey);
    if (current === undefined || input.kind === "agent") {
      if (current !== undefined || isHeld) this.options.pending.add(input, "queued");
      this.enqueue(input.kind, [input]);
    } else if (queue.mode === "interrupt") {
      this.interrupt(input);
    } else if (
      queue.mode === "steer" &&
      current.steerable &&
      waiting.length === 0 &&
      mayJoin(input.message, current.input.message)
    ) {
      // Behind messages that wait, it waits too: what a session hears stays in the order in which it was said.
      this.options.pending.add(input, "queued");
      current.steer(input);
    } else {
      this.queue(input, queue);
    }
  }

  /** The run is over: what it answered is settled, and what came too late to be taken in runs before what came later. */
  end(run: Run, outcome: RunOutcome): void {
    this.leave(run);
    run.ended();
    for (const input of run.sources) input.settle(outcome);
    for (const input of run.takeSteered().reverse()) this.enqueue("followup", [input], { at: 0 });
  }

  /** The run begins: it waits no longer. */
  begun(run: Run): void {
    this.tickets.delete(run);
    this.keepQuiet(run.sessionKey);
  }

  /** Stops runs. Resolves when their ends are stored, with the ids by which their senders know them. */
  async stop(runs: readonly Run[], origin: StopOrigin): Promise<string[]> {
    const stopped = runs.filter((run) => run.state === "waiting" || run.state === "working");
    // Those that wait first, so that none of them begins when the one at work ends.
    const waiting = stopped.filter((run) => this.tickets.get(run)?.cancel());
    for (const run of waiting) this.leave(run);
    for (const run of stopped) run.stop(origin);
    // One that is being stored cannot be stopped any more, but it is waited for: what follows may replace its session.
    const others = runs.filter((run) => !waiting.includes(run)).map((run) => run.finished);
    await Promise.all([...waiting.map((run) => this.cancelRun(run, origin)), ...others]);
    return stopped.flatMap((run) => (run.kind === "followup" ? run.sources.map(({ runId }) => runId) : run.id));
  }

  /** Takes back messages that no run has yet, and that are not the only one of theirs. Returns which. */
  withdraw(sessionKey: string, isMeant: (input: LiveInput) => boolean): LiveInput[] {
    return this.of(sessionKey).flatMap((run) => {
      const meant = [...run.waitingInputs, ...run.sources].filter(isMeant);
      return meant.filter((input) => run.withdraw(input));
    });
  }

  /** A message that never ran: it stays visible, as cancelled or cut off. */
  async cancelInput(input: LiveInput, origin: StopOrigin): Promise<void> {
    const { bus, clock } = this.options;
    const endedAt = clock.now();
    const stopReason = stopReasonOf(origin, { begun: false });
    const status = origin === "restart" ? "interrupted" : "aborted";
    const outcome: RunOutcome = { status, endedAt, stopReason };
    await this.store(input, outcome);
    const { runId, sessionKey, agentId } = input;
    const events = new RunEvents(bus, clock, { runId, kind: "agent", sessionKey, agentId });
    events.aborted(stopReason, false);
    events.cancelled({ stopReason, endedAt });
    input.settle(outcome);
  }

  /** The newest message replaces what is at work, and earlier ones that were to; what was queued runs before it. */
  private interrupt(input: LiveInput): void {
    const replaced = this.of(input.sessionKey).filter((run) => run.interrupts || run.state !== "waiting");
    void this.stop(replaced, "interrupt");
    this.options.pending.add(input, "queued");
    const isNext = this.of(input.sessionKey).every(({ state }) => state !== "waiting");
    this.enqueue(isNext ? "chat" : "followup", [input], { interrupts: true });
  }

  /** Lets a message wait for a later turn, where there is room for it. */
  private queue(input: LiveInput, queue: QueueSettings): void {
    const { sessionKey } = input;
    if (queue.drop === "new" && this.queued(sessionKey).length >= queue.cap) {
      void this.refuse(input);
      return;
    }
    this.options.pending.add(input, "queued");
    publishLater(this.options.bus, input);
    const collecting = this.of(sessionKey).at(-1);
    if (queue.mode === "collect" && collecting && canCollect(collecting, input)) collecting.sources.push(input);
    else this.enqueue("followup", [input], { role: queue.mode === "collect" ? "collecting" : "alone", told: true });
    const run = this.of(sessionKey).at(-1)!;
    run.isQueued = true;
    this.dropOldest(sessionKey, queue);
    const until = performance.now() + queue.debounceMs;
    for (const other of this.of(sessionKey)) if (other.isQueued) other.quietUntil = until;
    this.keepQuiet(sessionKey);
  }

  /** Messages that wait for turns of their own or for a common one, oldest first; without those that lost their room. */
  private queued(sessionKey: string): { run: Run; input: LiveInput }[] {
    return this.of(sessionKey).flatMap((run) => {
      const counts = run.state === "waiting" && run.isQueued && run.role !== "overflow";
      return counts ? run.sources.map((input) => ({ run, input })) : [];
    });
  }

  private dropOldest(sessionKey: string, { cap, drop }: QueueSettings): void {
    const surplus = this.queued(sessionKey).slice(0, -cap);
    for (const { run, input } of surplus) {
      const at = this.of(sessionKey).indexOf(run);
      if (!run.withdraw(input) && this.tickets.get(run)?.cancel()) {
        this.leave(run);
        run.ended();
      }
      if (drop === "old") void this.dropped(input);
      else this.overflow(input, at);
    }
  }

  /** A message without room is named in a turn that comes where its own would have. */
  private overflow(input: LiveInput, at: number): void {
    const before = this.of(input.sessionKey)[at - 1];
    const joins = before?.role === "overflow" && before.state === "waiting" && mayShareTurn(before.sources[0]!, input);
    if (joins) before.sources.push(input);
    else this.enqueue("followup", [input], { role: "overflow", told: true, at });
    this.holding(input)!.isQueued = true;
  }

  private enqueue(kind: RunKind, sources: LiveInput[], how: Enqueuing = {}): void {
    const { bus, clock, lanes } = this.options;
    const [first] = sources;
    const { sessionKey, agentId, connId } = first!;
    const runId = kind === "followup" ? uuid() : first!.runId;
    const events = new RunEvents(bus, clock, { runId, kind, sessionKey, agentId, connId });
    const run = new Run(runId, kind, sources, events, how.role);
    run.interrupts = how.interrupts === true;
    const runs = this.bySession.get(sessionKey) ?? [];
    // A followup's key has done its part when the message is queued; what follows is told under the run's own id.
    if (kind === "followup" && !how.told) publishLater(bus, first!);
    const { at = runs.length } = how;
    const waitingBefore = runs.slice(0, at).filter(({ state }) => state === "waiting").length;
    runs.splice(at, 0, run);
    this.bySession.set(sessionKey, runs);
    this.byId.set(runId, run);
    const job = () => {
      this.begun(run);
      return this.options.perform(run);
    };
    this.tickets.set(run, lanes.enqueue(sessionKey, job, waitingBefore));
    this.keepQuiet(sessionKey);
  }

  /** Holds the lane while the next run waits for further messages. */
  private keepQuiet(sessionKey: string): void {
    const next = this.of(sessionKey).find(({ state }) => state === "waiting");
    const until = next && this.tickets.has(next) ? next.quietUntil : 0;
    if (this.quiet.get(sessionKey)?.until === until) return;
    const ms = until - performance.now();
    const release = ms > 0 ? this.options.lanes.hold(sessionKey) : undefined;
    this.quiet.get(sessionKey)?.end();
    this.quiet.delete(sessionKey);
    if (release === undefined) return;
    const timer = setTimeout(release, Math.min(ms, MAX_TIMER_MS));
    const end = () => {
      clearTimeout(timer);
      release();
    };
    this.quiet.set(sessionKey, { until, end });
  }

  private leave(run: Run): void {
    const runs = this.of(run.sessionKey).filter((other) => other !== run);
    if (runs.length > 0) this.bySession.set(run.sessionKey, runs);
    else this.bySession.delete(run.sessionKey);
    this.byId.delete(run.id);
    this.tickets.delete(run);
    this.keepQuiet(run.sessionKey);
  }

  private async cancelRun(run: Run, origin: StopOrigin): Promise<void> {
    await Promise.all(run.sources.map((input) => this.cancelInput(input, origin)));
    run.ended();
  }

  /** A message that gave way to newer ones without a word: it stays visible, as cut off. */
  private async dropped(input: LiveInput): Promise<void> {
    const outcome: RunOutcome = { status: "interrupted", endedAt: this.options.clock.now(), error: DROPPED };
    await this.store(input, outcome);
    input.settle(outcome);
  }

  private async store(input: LiveInput, outcome: RunOutcome): Promise<void> {
    const { records, pending, log } = this.options;
    await records.ended(input.runId, outcome).catch((error) => {
      log.error("the end of a message that never ran could not be stored", { runId: input.runId, error });
    });
    pending.add(input, outcome.status === "aborted" ? "cancelled" : "interrupted");
    this.options.ended(outcome.status);
  }

  /** Tells the sender that there is no room. Neither is shown to the model: its turn may be in the middle of a call. */
  private async refuse(input: LiveInput): Promise<void> {
    const { sessions, records, clock, bus, log } = this.options;
    const { runId, sessionKey, message } = input;
    const endedAt = clock.now();
    const extra = { excludeFromContext: true };
    const said = injectedMessage(QUEUE_FULL, endedAt, { idempotencyKey: runId, extra });
    const outcome: RunOutcome = { status: "ok", endedAt, stopReason: "stop" };
    try {
      await Promise.all([
        sessions.append(sessionKey, [{ ...message, extra: { ...message.extra, ...extra } }, said]),
        records.settled(runId, outcome),
      ]);
    } catch (error) {
      log.error("a message without room could not be stored", { runId, error });
    }
    bus.publish("chat", { runId, sessionKey, seq: 1, state: "final", message: shownMessage(said) });
    input.settle(outcome);
  }
}

interface Enqueuing {
  role?: RunRole;
  /** Its place among the session's runs; without it the last. */
  at?: number;
  /** The sender has been told already that his message is queued. */
  told?: boolean;
  interrupts?: boolean;
}

const DROPPED = "Newer messages took this one's place in the queue.";

const canCollect = (run: Run, input: LiveInput): boolean =>
  run.role === "collecting" && run.state === "waiting" && mayShareTurn(run.sources.at(-1)!, input);

/** After this turn of the event loop, so that the acknowledgement goes first. */
function publishLater(bus: EventBus, input: LiveInput): void {
  let isOver = false;
  void input.settled.then(() => {
    isOver = true;
  });
  setImmediate(() => {
    if (!isOver) publishConsumed(bus, input);
  });
}
