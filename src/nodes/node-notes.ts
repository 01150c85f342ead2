import { LIMITS } from "../../generated/limits.ts";
import type { AgentParams } from "../../generated/types.ts";
import type { Sender } from "../agents/sender.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict } from "../models/settings.ts";
import type { Clock } from "../platform/clock.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { NodeSession } from "./types.ts";

/** What the words of nodes lead to in sessions. */
export interface NodeNotesDeps {
  sessions: { canonicalKey(key: string): string };
  /** Notes for the next turn of a session; what nodes tell is never trusted as the gateway's own word. */
  notes: {
    add(
      sessionKey: string,
      text: string,
      options: { trusted: boolean; coalesce?: boolean },
    ): Promise<"queued" | "coalesced">;
  };
  /** A turn of the session soon, because a note waits. */
  wake(sessionKey: string): void;
  agentCalls: { run(params: AgentParams, sender: Sender, accept: () => void): Promise<unknown> };
  config: ConfigPort;
  clock: Clock;
  log: Logger;
}

type Payload = Readonly<Record<string, unknown>>;

/** Upstream's bounds: of a message, and of what a note quotes. */
const MESSAGE_CHARS = 20_000;
const NOTIFICATION_CHARS = 120;
const OUTPUT_CHARS = 180;
/** Milliseconds in which the same words of one session are one utterance. */
const SAME_UTTERANCE_MS = 1500;

/**
 * What nodes tell that belongs into a session: notes about notifications and commands, and messages of the node's user.
 * A message runs with no rights at all: no owner, no administration, no choice of model, and as its session thinks (docs: gateway/pairing, node
 * events; KNOWN_ATTACKS 84).
 */
export class NodeNotes {
  /** By session: what was said last and when. The oldest go first. */
  private readonly said = new Map<string, { print: string; at: number }>();

  constructor(private readonly deps: NodeNotesDeps) {}

  /** A notification that came or went on the node's device. */
  async notification({ nodeId }: NodeSession, payload: Payload): Promise<void> {
    const change = text(payload.change)?.toLowerCase();
    const key = text(payload.key);
    if ((change !== "posted" && change !== "removed") || key === undefined) return;
    const app = text(payload.packageName);
    const about = `node=${nodeId} key=${key}${app === undefined ? "" : ` package=${app}`}`;
    const words = change === "posted" ? [text(payload.title), text(payload.text)] : [];
    const said = words.flatMap((part) => (part === undefined ? [] : [short(part, NOTIFICATION_CHARS)]));
    const note = `Notification ${change} (${about})${said.length > 0 ? `: ${said.join(" - ")}` : ""}`;
    await this.note(text(payload.sessionKey) ?? "main", note);
  }

  /** A command that the gateway had the node run; the session is the one that the run was asked for. */
  async exec({ nodeId }: NodeSession, event: string, payload: Payload, sessionKey: string | undefined): Promise<void> {
    const { tools } = this.deps.config.current as { tools?: unknown };
    if (dict(dict(tools).exec).notifyOnExit === false || payload.suppressNotifyOnExit === true) return;
    const about = `node=${nodeId} id=${text(payload.runId)}`;
    const session = sessionKey ?? `node-${nodeId}`;
    if (event === "exec.started") {
      const command = text(payload.command);
      await this.note(session, `Exec started (${about})${command === undefined ? "" : `: ${command}`}`);
    }
    if (event !== "exec.finished") return;
    const isTimeout = payload.timedOut === true;
    const code = typeof payload.exitCode === "number" ? payload.exitCode : undefined;
    const output = short(text(payload.output) ?? "", OUTPUT_CHARS);
    // A command that did what it should and said nothing is no news.
    if (!isTimeout && code === 0 && output === "") return;
    const how = isTimeout ? "timeout" : `code ${code ?? "?"}`;
    await this.note(session, `Exec finished (${about}, ${how})${output === "" ? "" : `\n${output}`}`);
  }

  /** What the node's user said aloud. Doubles, as recognisers send them, are one. */
  transcript(session: NodeSession, payload: Payload): void {
    const message = text(payload.text);
    if (message === undefined) return;
    const sessionKey = text(payload.sessionKey) ?? "main";
    if (this.isEcho(this.deps.sessions.canonicalKey(sessionKey), printOf(payload, message))) return;
    this.send(session, { message, sessionKey });
  }

  /** A message that the node's user sends to an agent, for instance what they share from another app. */
  request(session: NodeSession, payload: Payload): void {
    const message = text(payload.message);
    const attachments = Array.isArray(payload.attachments) ? payload.attachments : [];
    if (message === undefined && attachments.length === 0) return;
    this.send(session, {
      message: message ?? "",
      sessionKey: text(payload.sessionKey) ?? `node-${session.nodeId}`,
      ...(attachments.length > 0 && { attachments }),
    });
  }

  private send({ nodeId }: NodeSession, params: Omit<AgentParams, "idempotencyKey">): void {
    const { agentCalls, log } = this.deps;
    if (params.message.length > MESSAGE_CHARS) return;
    const sender: Sender = {
      client: { id: "node-host", mode: "node" },
      deviceId: nodeId,
      owner: nodeId,
      may: () => false,
    };
    agentCalls
      .run({ ...params, idempotencyKey: uuid() }, sender, () => {})
      .catch((error) => log.warn("a node's message was not answered", { nodeId, error }));
  }

  private async note(key: string, words: string): Promise<void> {
    const sessionKey = this.deps.sessions.canonicalKey(key);
    const outcome = await this.deps.notes.add(sessionKey, words, { trusted: false, coalesce: true });
    if (outcome === "queued") this.deps.wake(sessionKey);
  }

  private isEcho(sessionKey: string, print: string): boolean {
    const now = this.deps.clock.now();
    const before = this.said.get(sessionKey);
    if (before?.print === print && now - before.at <= SAME_UTTERANCE_MS) return true;
    this.said.delete(sessionKey);
    this.said.set(sessionKey, { print, at: now });
    for (const key of this.said.keys()) {
      if (this.said.size <= LIMITS.nodeUtterances) break;
      this.said.delete(key);
    }
    return false;
  }
}

/** What makes an utterance the same: its id where the recogniser gives one, its place in a call, or its words. */
function printOf(payload: Payload, message: string): string {
  const id = text(payload.eventId) ?? text(payload.providerEventId) ?? text(payload.transcriptId);
  if (id !== undefined) return `event ${id}`;
  const call = text(payload.providerCallId) ?? text(payload.callId);
  const place = payload.sequence ?? payload.seq ?? payload.timestamp ?? payload.ts ?? payload.eventTimestamp;
  if (typeof place !== "number") return `text ${message}`;
  return call === undefined ? `at ${place} ${message}` : `call ${call} ${place}`;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;

/** On one line, at most so many characters, never half of a pair. */
function short(words: string, chars: number): string {
  const line = words.replace(/\s+/g, " ").trim();
  return line.length <= chars ? line : `${line.slice(0, chars - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
