import { field } from "../client/frames.ts";
import type { DefenderPort } from "../defender/types.ts";
import { type Heard, heardFrom } from "./heard.ts";
import type { Tell } from "./notice.ts";
import { Recent } from "./recent.ts";
import type { SessionQueues } from "./session-queues.ts";

export interface ListenerOptions {
  request(method: string, params: unknown): Promise<unknown>;
  defender: Pick<DefenderPort, "screen">;
  queues: SessionQueues;
  tell: Tell;
  limits: {
    sidecarFollowedSessions: number;
    sidecarRememberedTexts: number;
    sidecarSuspectSessions: number;
    sidecarTextChars: number;
  };
}

/** Sessions that were used within this time are followed from the start. */
const ACTIVE_MINUTES = 60;

/**
 * Hears what passes in the gateway's sessions. It is too late to stop a text, but what it says counts: a session that has
 * read an attack is suspect until its owner speaks again.
 */
export class SessionListener {
  /** Texts that were judged. */
  texts = 0;
  private readonly followed: Recent;
  private readonly heard: Recent;
  private readonly suspects: Recent;
  private methods: ReadonlySet<string> = new Set();

  constructor(private readonly options: ListenerOptions) {
    const { sidecarFollowedSessions, sidecarRememberedTexts, sidecarSuspectSessions } = options.limits;
    this.followed = new Recent(sidecarFollowedSessions);
    this.heard = new Recent(sidecarRememberedTexts);
    this.suspects = new Recent(sidecarSuspectSessions);
  }

  isSuspect(sessionKey: string): boolean {
    return this.suspects.has(sessionKey);
  }

  /** Begins to listen on a new connection, as far as the gateway has the methods for it. */
  async begin(methods: ReadonlySet<string>): Promise<void> {
    this.followed.clear();
    this.methods = methods;
    if (methods.has("sessions.subscribe")) await this.ask("sessions.subscribe", {});
    if (!methods.has("sessions.messages.subscribe") || !methods.has("sessions.list")) return;
    const limit = this.options.limits.sidecarFollowedSessions;
    const listed = field(await this.ask("sessions.list", { limit, activeMinutes: ACTIVE_MINUTES }), "sessions");
    for (const session of Array.isArray(listed) ? listed.slice(0, limit).reverse() : []) {
      const key = field(session, "key");
      if (typeof key === "string") this.follow(key);
    }
  }

  event(event: string, payload: unknown): void {
    const sessionKey = field(payload, "sessionKey");
    if (typeof sessionKey === "string" && sessionKey !== "") this.follow(sessionKey);
    const heard = heardFrom(event, payload);
    if (heard === null || this.heard.has(heard.key)) return;
    const { queues } = this.options;
    if (queues.push(heard.sessionKey, () => this.judge(heard), { minor: true })) this.heard.add(heard.key);
    // Nobody has looked at it: what the session asks for is left to people.
    else if (heard.direction === "inbound") this.suspects.add(heard.sessionKey);
  }

  private async judge(heard: Heard): Promise<void> {
    const { defender, tell, limits } = this.options;
    const { text, sessionKey, direction, origin, agentId, runId } = heard;
    const isWhole = text.length <= limits.sidecarTextChars;
    const context = { direction, origin, sessionKey, ...(agentId && { agentId }), ...(runId && { runId }) };
    const judged = await defender.screen(isWhole ? text : text.slice(0, limits.sidecarTextChars), context);
    this.texts++;
    const verdict = judged.watched ?? judged.verdict;
    if (direction === "inbound") {
      if (verdict !== "allow" || !isWhole) this.suspects.add(sessionKey);
      else if (origin === "owner") this.suspects.delete(sessionKey);
    }
    if (verdict === "allow") return;
    const { score, findings, id } = judged;
    tell({ event: "text", sessionKey, direction, origin, verdict, score, findings, ...(id && { decisionId: id }) });
  }

  private follow(key: string): void {
    if (!this.methods.has("sessions.messages.subscribe") || this.followed.has(key)) return;
    const left = this.followed.add(key);
    void this.ask("sessions.messages.subscribe", { key });
    if (left !== undefined) void this.ask("sessions.messages.unsubscribe", { key: left });
  }

  /** Undefined when the gateway refuses or is gone: what it does not tell is not heard. */
  private async ask(method: string, params: unknown): Promise<unknown> {
    try {
      return await this.options.request(method, params);
    } catch {
      return undefined;
    }
  }
}
