import { LIMITS } from "../../../generated/limits.ts";
import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import { uuid } from "../../platform/ids.ts";
import type { TranscriptMessage } from "../../sessions/types.ts";
import { shownMessage } from "../injected.ts";
import { DeltaThrottle } from "./delta-throttle.ts";
import type { RunKind } from "./types.ts";

/** The phases before the model is called, in order. */
export type StartupPhase = "preparing_workspace" | "preparing_context" | "starting_model";

export interface RunFacts {
  runId: string;
  kind: RunKind;
  sessionKey: string;
  agentId: string;
  /** The connection that started the run. */
  connId?: string;
}

/** An assistant message as chat events show it. */
export const chatMessage = (text: string, timestamp: number) => ({
  role: "assistant",
  content: [{ type: "text", text }],
  timestamp,
});

/**
 * The `chat` and `agent` events of one run in upstream's order and shape (BEHAVIOUR sections 6 to 8). Both share one
 * counter: each phase, each piece of text and each `agent` frame takes a number, and a frame that merges pieces
 * bears the number of the last. Runs of the `agent` method have no phases; those of messages that had waited have no
 * phases in `chat`.
 */
export class RunEvents {
  private seq = 0;
  /** Set when the session is known; lifecycle frames name it. */
  sessionId: string | undefined;
  /** All visible text of the run; what is still missing from `chat` and from `agent` starts at the two marks. */
  private text = "";
  private chatSent = 0;
  /** Where the text of the present model call begins, and how much of it `agent` has. */
  private itemStart = 0;
  private agentSent = 0;
  private itemId = "";
  private items = 0;
  private readonly itemPrefix = uuid();
  /** The newest frame of text, without the text; for a client that comes in the middle. */
  lastText: Record<string, unknown> | undefined;
  private readonly throttle: DeltaThrottle;

  constructor(
    private readonly bus: EventBus,
    private readonly clock: Clock,
    private readonly facts: RunFacts,
  ) {
    const { deltaIntervalMs: intervalMs, deltaFullRateChars: fullRateChars } = LIMITS;
    // Real time, not the gateway's clock: this is about load, and a test's clock may stand still.
    this.throttle = new DeltaThrottle({ intervalMs, fullRateChars, now: () => performance.now() }, () => this.flush());
  }

  /** The visible text so far, without white space at its end. */
  get visibleText(): string {
    return this.text.trimEnd();
  }

  /** The visible text of the present model call. */
  get itemText(): string {
    return this.text.slice(this.itemStart).trimEnd();
  }

  status(phase: StartupPhase): void {
    if (this.facts.kind === "agent") return;
    this.seq++;
    if (this.facts.kind === "chat") this.chat({ state: "status", phase });
    this.agent("run_status", { phase });
  }

  lifecycle(data: Record<string, unknown>, options: { lane?: boolean } = {}): void {
    this.seq++;
    const source = this.facts.kind === "followup" ? { completionSource: "reply-dispatch" } : {};
    const lane = options.lane === true && this.facts.kind !== "agent" ? { lane: "main" } : {};
    this.agent("lifecycle", { ...data, ...source }, { ...lane, sessionId: this.sessionId });
  }

  /** A model call begins; its text is an item of its own, a paragraph apart from what was there. */
  beginItem(): void {
    this.itemId = `${this.itemPrefix}:${++this.items}`;
    if (this.visibleText !== "") this.text = `${this.visibleText}\n\n`;
    this.itemStart = this.text.length;
    this.agentSent = 0;
  }

  /** A piece of visible text. White space before the first word of an item is dropped. */
  delta(piece: string): void {
    const text = this.text.length === this.itemStart ? piece.trimStart() : piece;
    this.seq++;
    if (text === "") return;
    this.text += text;
    this.throttle.touch(this.text.length);
  }

  /** The model call is over: `agent` gets the rest of its text now, `chat` at the run's end or with the next delta. */
  endItem(): void {
    this.flushAgent();
  }

  usage(outputTokens: number): void {
    this.seq++;
    this.agent("usage", { outputTokens });
  }

  /** A tool call as a line of what the run does; everybody who follows the run gets it. */
  item(data: Record<string, unknown>): void {
    this.seq++;
    this.agent("item", data);
  }

  /** What was said before is being summed up, or was. */
  compaction(data: Record<string, unknown>): void {
    this.seq++;
    this.agent("compaction", data);
  }

  /** What a command has written so far, or all of it. */
  commandOutput(data: Record<string, unknown>): void {
    this.seq++;
    this.agent("command_output", data);
  }

  /**
   * A tool call with its arguments and results. Only the connection that started the run gets it, if it can take it, and
   * those who follow all sessions get it as `session.tool` (measured on 2026.9.6).
   */
  tool(data: Record<string, unknown>): void {
    this.seq++;
    const { connId, sessionKey } = this.facts;
    const frame = this.frame("tool", data);
    if (connId !== undefined) this.bus.publish("agent", frame, { connIds: [connId], capability: "tool-events" });
    this.bus.publish("session.tool", frame, { sessionKey });
  }

  /** The last frames of a completed run: the rest of the text, then the whole. Without text only that it is over. */
  final(stopReason: string): void {
    this.throttle.stop();
    const text = this.visibleText;
    const timestamp = this.clock.now();
    if (this.facts.kind === "followup") {
      this.seq++;
      const usage = { input: 0, output: 0, totalTokens: 0 };
      const message = { ...chatMessage(text, timestamp), text, stopReason, usage };
      this.bare({ state: "final", ...(text === "" ? {} : { message }), stopReason }, this.seq);
      return;
    }
    this.flushChat();
    this.chat({ state: "final", stopReason, ...(text === "" ? {} : { message: chatMessage(text, timestamp) }) });
  }

  /** Tells behind the end of a run that answered nothing what its reader should know. */
  afterword(message: TranscriptMessage): void {
    this.bare({ state: "final", message: shownMessage(message) }, 1);
  }

  /** The last frame of a run that the gateway answered itself. */
  notice(message: TranscriptMessage): void {
    this.throttle.stop();
    this.seq++;
    this.bare({ state: "final", message: shownMessage(message) }, this.seq);
  }

  /** The run was stopped; `started` tells whether it had begun. */
  aborted(stopReason: string, started: boolean): void {
    this.throttle.stop();
    this.seq++;
    const text = this.visibleText;
    const message = text === "" ? {} : { message: chatMessage(text, this.clock.now()) };
    if (started) this.chat({ state: "aborted", stopReason, ...message });
    else this.bare({ state: "aborted", stopReason }, this.seq);
  }

  /** Says again, in the frame numbered as the abort was, that the run is cancelled. */
  cancelled(data: Record<string, unknown>): void {
    this.seq--;
    this.lifecycle({ phase: "end", status: "cancelled", aborted: true, ...data });
  }

  error(errorMessage: string, facts: { errorDetail?: object; errorKind?: string } = {}): void {
    this.throttle.stop();
    this.chat({ state: "error", errorMessage, ...facts });
  }

  /** The second error frame of a chat, with the words for the reader. */
  errorNotice(errorMessage: string): void {
    this.bare({ state: "error", errorMessage }, 1);
  }

  stop(): void {
    this.throttle.stop();
  }

  private flush(): void {
    this.flushAgent();
    this.flushChat();
  }

  private flushAgent(): void {
    const text = this.itemText;
    if (text.length <= this.agentSent) return;
    this.agent("assistant", { text, delta: text.slice(this.agentSent), itemId: this.itemId });
    this.agentSent = text.length;
  }

  private flushChat(): void {
    const text = this.visibleText;
    if (text.length <= this.chatSent) return;
    const deltaText = text.slice(this.chatSent);
    this.chatSent = text.length;
    this.chat({ state: "delta", deltaText, message: chatMessage(text, this.clock.now()) });
  }

  private chat(fields: Record<string, unknown>): void {
    const { runId, sessionKey, agentId } = this.facts;
    this.bus.publish("chat", { runId, sessionKey, agentId, seq: this.seq, ...fields });
  }

  /** A chat frame that stands outside the run's stream: without the agent. */
  private bare(fields: Record<string, unknown>, seq: number): void {
    const { runId, sessionKey } = this.facts;
    this.bus.publish("chat", { runId, sessionKey, seq, ...fields });
  }

  private agent(stream: string, data: Record<string, unknown>, more: Record<string, unknown> = {}): void {
    const frame = this.frame(stream, data, more);
    this.bus.publish("agent", frame);
    if (stream !== "assistant") return;
    const { runId, sessionKey, agentId, seq, ts } = frame;
    this.lastText = { runId, seq, stream, ts, data: {}, sessionKey, agentId };
  }

  private frame(stream: string, data: Record<string, unknown>, more: Record<string, unknown> = {}) {
    const { runId, sessionKey, agentId, kind } = this.facts;
    const heartbeat = kind === "agent" ? {} : { isHeartbeat: false };
    return { runId, stream, data, sessionKey, agentId, ...more, seq: this.seq, ts: this.clock.now(), ...heartbeat };
  }
}

/** Tells that a message is taken up by another run: its own run is over, and says nothing itself. */
export function publishConsumed(bus: EventBus, { runId, sessionKey }: { runId: string; sessionKey: string }): void {
  bus.publish("chat", { runId, sessionKey, seq: 1, state: "final" });
}
