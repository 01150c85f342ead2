import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { platformKind } from "./command-policy.ts";
import type { NodeSessions } from "./node-sessions.ts";
import { effectivePermissions } from "./surface.ts";
import type { NodeSession } from "./types.ts";

const MAX_IDLE_SECONDS = 2_592_000;

export type ActivityOutcome = "updated" | "cleared" | "invalid_payload" | "permission_required" | "stale_connection";

/**
 * Which Mac was used last (docs: nodes/presence). A node tells for how long it has been idle; the time is the gateway's.
 * It lasts as long as the connection that told it.
 */
export class ActiveNode {
  constructor(private readonly deps: { sessions: NodeSessions; bus: EventBus; clock: Clock }) {
    deps.sessions.onEnd((session) => this.clear(session));
  }

  /** Takes a report of the kind `node.presence.activity`. */
  report(session: NodeSession, payload: unknown): ActivityOutcome {
    if (platformKind(session.facts.platform) !== "macos") return "stale_connection";
    const { action, idleSeconds, source } = (payload ?? {}) as Record<string, unknown>;
    if (action === "clear") {
      this.clear(session);
      return "cleared";
    }
    const isIdle = Number.isSafeInteger(idleSeconds) && (idleSeconds as number) >= 0;
    const isKnownSource = source === undefined || source === "app" || source === "system";
    if (!isIdle || (idleSeconds as number) > MAX_IDLE_SECONDS || !isKnownSource) return "invalid_payload";
    // What other apps get to see of the keyboard is the operating system's to allow.
    const permissions = effectivePermissions(session.declaration, session.surface);
    if (source !== "app" && permissions?.accessibility !== true) return "permission_required";
    const now = this.deps.clock.now();
    session.activity = { lastActiveAtMs: now - (idleSeconds as number) * 1000, presenceUpdatedAtMs: now };
    this.publish(session);
    return "updated";
  }

  /** The node that was used last among those connected. */
  get nodeId(): string | undefined {
    let latest: NodeSession | undefined;
    for (const session of this.deps.sessions.all()) {
      if (session.activity !== undefined && (latest === undefined || isLater(session, latest))) latest = session;
    }
    return latest?.nodeId;
  }

  private clear(session: NodeSession): void {
    if (session.activity === undefined) return;
    session.activity = undefined;
    this.publish(session);
  }

  private publish({ nodeId, activity }: NodeSession): void {
    const { lastActiveAtMs = null, presenceUpdatedAtMs = null } = activity ?? {};
    this.deps.bus.publish("node.presence", { nodeId, lastActiveAtMs, presenceUpdatedAtMs });
  }
}

function isLater({ activity: a }: NodeSession, { activity: b }: NodeSession): boolean {
  return a!.lastActiveAtMs === b!.lastActiveAtMs
    ? a!.presenceUpdatedAtMs > b!.presenceUpdatedAtMs
    : a!.lastActiveAtMs > b!.lastActiveAtMs;
}
