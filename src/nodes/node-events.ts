import type { NodeEventAnswer, NodeEventParams } from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { ActiveNode } from "./active-node.ts";
import type { ExecRuns } from "./exec-runs.ts";
import { hostStatsOf } from "./host-stats.ts";
import { approvedSession, type NodeCaller } from "./live-node.ts";
import type { NodeNotes } from "./node-notes.ts";
import type { NodeRepository } from "./node-repository.ts";
import type { NodeSessions } from "./node-sessions.ts";
import type { NodeSession } from "./types.ts";

export interface NodeEventsOptions {
  repository: NodeRepository;
  sessions: NodeSessions;
  execRuns: ExecRuns;
  activeNode: ActiveNode;
  notes: NodeNotes;
  devices: { noteSeen(deviceId: string, reason: string): Promise<boolean> };
  bus: EventBus;
  clock: Clock;
}

const ALIVE_REASONS: ReadonlySet<string> = new Set([
  "background",
  "silent_push",
  "bg_app_refresh",
  "significant_location",
  "manual",
  "connect",
]);

/** The conversations that the node's connection hears. */
export interface Following {
  canonicalKey(sessionKey: string): string;
  follow(sessionKey: string): void;
  unfollow(sessionKey: string): void;
}

type Told = (
  session: NodeSession,
  payload: unknown,
  event: string,
  following: Following,
) => Promise<NodeEventAnswer> | NodeEventAnswer;

/**
 * What nodes tell on their own (docs: gateway/protocol, presence and exec lifecycle). A node speaks for itself alone:
 * of commands only those count that it was asked for, and messages of its user run without any rights.
 */
export class NodeEvents {
  private readonly kinds: ReadonlyMap<string, Told>;

  constructor(private readonly options: NodeEventsOptions) {
    const exec: Told = (session, payload, event) => this.exec(session, payload, event);
    this.kinds = new Map<string, Told>([
      ["node.host.stats", (session, payload, event) => this.hostStats(session, payload, event)],
      ["node.presence.alive", (session, payload, event) => this.alive(session, payload, event)],
      ["node.presence.activity", (session, payload, event) => this.activity(session, payload, event)],
      ["exec.started", exec],
      ["exec.finished", exec],
      ["exec.denied", exec],
      ["chat.subscribe", (_session, payload, _event, following) => follow(payload, following, true)],
      ["chat.unsubscribe", (_session, payload, _event, following) => follow(payload, following, false)],
      [
        "notifications.changed",
        (session, payload) => this.taken(payload, (it) => options.notes.notification(session, it)),
      ],
      ["voice.transcript", (session, payload) => this.taken(payload, (it) => options.notes.transcript(session, it))],
      ["agent.request", (session, payload) => this.taken(payload, (it) => options.notes.request(session, it))],
    ]);
  }

  /** @throws GatewayError `PAIRING_CHANGED` while nothing of the node is approved, or another connection stands for it */
  async take(
    { event, payload, payloadJSON }: NodeEventParams,
    caller: NodeCaller,
    following: Following,
  ): Promise<NodeEventAnswer> {
    const session = approvedSession(this.options.sessions, caller);
    const kind = this.kinds.get(event);
    if (kind === undefined) return answer(event, false, "unsupported_event");
    return kind(session, payloadJSON === undefined ? payload : parsed(payloadJSON), event, following);
  }

  private async hostStats(session: NodeSession, payload: unknown, event: string): Promise<NodeEventAnswer> {
    const { repository, bus, clock, sessions } = this.options;
    const hostStats = hostStatsOf(payload, clock.now());
    if (hostStats === null) return answer(event, false, "invalid_payload");
    await repository.change(session.nodeId, (state) => {
      if (state.surface === null) return { result: undefined };
      return { state: { ...state, surface: { ...state.surface, lastHostStats: hostStats } }, result: undefined };
    });
    if (sessions.get(session.nodeId) !== session) return answer(event, false, "stale_connection");
    session.hostStats = hostStats;
    bus.publish("node.hostStats", { nodeId: session.nodeId, hostStats });
    return answer(event, true, "updated");
  }

  private async alive({ nodeId }: NodeSession, payload: unknown, event: string): Promise<NodeEventAnswer> {
    const trigger = isRecord(payload) ? payload.trigger : undefined;
    if (!isRecord(payload)) return answer(event, false, "invalid_payload");
    const reason = typeof trigger === "string" && ALIVE_REASONS.has(trigger) ? trigger : "background";
    const isKnown = await this.options.devices.noteSeen(nodeId, reason);
    return isKnown ? answer(event, true, "persisted") : answer(event, false, "unpaired");
  }

  private activity(session: NodeSession, payload: unknown, event: string): NodeEventAnswer {
    const outcome = this.options.activeNode.report(session, payload);
    return answer(event, outcome === "updated" || outcome === "cleared", outcome);
  }

  private async exec(session: NodeSession, payload: unknown, event: string): Promise<NodeEventAnswer> {
    if (!isRecord(payload)) return { ok: true };
    const run = this.options.execRuns.matching(session, event, payload);
    if (run === null) return answer(event, false, "unmatched_exec_event");
    await this.options.notes.exec(session, event, payload, run.sessionKey);
    return { ok: true };
  }

  /** Upstream says no more than that it has heard, whatever becomes of it. */
  private async taken(
    payload: unknown,
    take: (payload: Record<string, unknown>) => Promise<void> | void,
  ): Promise<NodeEventAnswer> {
    if (isRecord(payload)) await take(payload);
    return { ok: true };
  }
}

/** What is said in a session reaches the node from now on, or no longer. */
function follow(payload: unknown, following: Following, isWanted: boolean): NodeEventAnswer {
  const key = isRecord(payload) && typeof payload.sessionKey === "string" ? payload.sessionKey.trim() : "";
  if (key !== "") following[isWanted ? "follow" : "unfollow"](following.canonicalKey(key));
  return { ok: true };
}

const answer = (event: string, handled: boolean, reason: string): NodeEventAnswer => ({
  ok: true,
  event,
  handled,
  reason,
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
