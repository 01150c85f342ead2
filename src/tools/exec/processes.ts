import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import { uuid } from "../../platform/ids.ts";
import type { Logger } from "../../platform/logger.ts";
import { ToolError } from "../types.ts";
import { newSessionId } from "./names.ts";
import { ProcessSession, type ProcessSessionOptions } from "./process-session.ts";

export interface ProcessesDeps {
  clock: Clock;
  log: Logger;
  limits: ProcessSessionOptions["limits"] & {
    execRunningMax: number;
    execFinishedMax: number;
    execFinishedChars: number;
    execStopGraceMs: number;
  };
}

/** Reasons of changes after which a session is another one. */
const FORGETTING: ReadonlySet<unknown> = new Set(["reset", "new", "delete"]);

export type NewProcess = Omit<ProcessSessionOptions, "id" | "clock" | "limits">;

/**
 * All commands that agents have started and that are at work, and for a while the background ones that have ended.
 * Kept in memory: no command outlives the gateway (docs: gateway/background-process).
 */
export class Processes {
  /** By id, oldest first. */
  private readonly sessions = new Map<string, ProcessSession>();
  private isStopping = false;
  private turn = 0;

  constructor(private readonly deps: ProcessesDeps) {}

  /**
   * Starts a command; the caller waits for its end or lets it go on with {@link background}.
   * @throws ToolError when too many are at work, or what the operating system says
   */
  start(options: NewProcess): ProcessSession {
    const { clock, limits } = this.deps;
    if (this.isStopping) throw new ToolError("The gateway is stopping; no command is started any more.");
    if (this.running().length >= limits.execRunningMax) {
      throw new ToolError("Too many commands are running. End some with the process tool before starting others.");
    }
    const id = newSessionId((name) => this.sessions.has(name));
    const session = new ProcessSession({ ...options, id, clock, limits });
    this.sessions.set(id, session);
    void session.ended.then(() => {
      if (session.isBackground) this.forgetOld();
      else this.sessions.delete(id);
    });
    return session;
  }

  /** Lets a command go on without the turn that began it. `whenEnded` is told once, unless it was asked to end. */
  background(session: ProcessSession, whenEnded: (session: ProcessSession) => void): void {
    session.isBackground = true;
    session.wasBackground = true;
    void session.ended.then(() => whenEnded(session));
  }

  /** An agent's background commands, newest first. */
  list(agentId: string): ProcessSession[] {
    this.forgetOld();
    const own = [...this.sessions.values()].filter((each) => each.isBackground && each.agentId === agentId);
    return own.reverse();
  }

  find(agentId: string, id: string): ProcessSession | undefined {
    this.forgetOld();
    const session = this.sessions.get(id);
    return session?.isBackground && session.agentId === agentId ? session : undefined;
  }

  /** Nobody finds it any more. One that is at work goes on until it ends. */
  forget(session: ProcessSession): void {
    this.sessions.delete(session.id);
    // While it is at work it still counts, and a stop of the gateway ends it.
    if (session.isRunning) {
      session.isBackground = false;
      const hidden = uuid();
      this.sessions.set(hidden, session);
      void session.ended.then(() => this.sessions.delete(hidden));
    }
  }

  /** How many go on without a turn: what a stop of the gateway would end. One that was hidden counts until it ends. */
  get backgroundAtWork(): number {
    return this.running().filter(({ wasBackground }) => wasBackground).length;
  }

  /** Forgets ended commands when their session starts over or goes; those at work are let be. */
  follow(bus: EventBus): void {
    bus.subscribe(({ event, payload }) => {
      if (event !== "sessions.changed") return;
      const { sessionKey, reason } = payload as { sessionKey?: string; reason?: string };
      if (sessionKey !== undefined && FORGETTING.has(reason)) this.forgetEnded(sessionKey);
    });
  }

  private forgetEnded(sessionKey: string): void {
    for (const [id, session] of this.sessions) {
      if (session.sessionKey === sessionKey && session.ending !== null) this.sessions.delete(id);
    }
  }

  /** Those at work, of all agents. */
  running(): ProcessSession[] {
    return [...this.sessions.values()].filter(({ isRunning }) => isRunning);
  }

  /** Process ids of a command at work and of all that came of it; of the next one at each call, in turn. */
  nextTree(): readonly number[] {
    const running = this.running();
    return running.length === 0 ? [] : running[this.turn++ % running.length]!.tree();
  }

  /** Ends all that is at work, with what came of it; nothing is started any more. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const running = this.running();
    const inTime = await Promise.race([
      Promise.all(running.map((session) => session.stop("gateway-stop"))).then(() => true),
      Bun.sleep(this.deps.limits.execStopGraceMs).then(() => false),
    ]);
    if (!inTime) this.deps.log.warn("commands did not end in time", { count: this.running().length });
  }

  /** Drops ended commands whose time is over, and the oldest beyond the bounds; the newest is kept whole. */
  private forgetOld(): void {
    const { clock, limits } = this.deps;
    const now = clock.now();
    const ended = [...this.sessions].filter(([, { ending }]) => ending !== null);
    ended.sort(([, a], [, b]) => b.ending!.endedAt - a.ending!.endedAt);
    let chars = 0;
    for (const [at, [id, session]] of ended.entries()) {
      chars += session.output.all.length;
      const isOver = now - session.ending!.endedAt >= session.cleanupMs;
      const isBeyond = at >= limits.execFinishedMax || (at > 0 && chars > limits.execFinishedChars);
      if (isOver || isBeyond) this.sessions.delete(id);
    }
  }
}
