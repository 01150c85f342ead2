import { ADMIN_SCOPE } from "../../generated/scopes.ts";
import { invalidRequest } from "../platform/errors.ts";
import { hasScope } from "../platform/scopes.ts";
import type { Approval, ApprovalKind, Reviewer } from "./types.ts";

/** What a client must have said it can show, one of them, to be asked about this kind. */
const CAPABILITIES: Readonly<Record<ApprovalKind, readonly string[]>> = {
  exec: ["approvals", "exec-approvals"],
  plugin: ["approvals", "plugin-approvals"],
  "system-agent": ["approvals"],
};

const SCOPE = "operator.approvals";

/** Who asks about an approval, or would be asked. */
type Viewer = Pick<Reviewer, "connId" | "deviceId" | "scopes">;

/**
 * True for administrators and for whoever made the request, known by device or else by connection. The methods of one
 * kind show an approval to nobody else (BEHAVIOUR section 9).
 */
export function mayReview({ requester }: Approval, viewer: Viewer): boolean {
  if (viewer.scopes.has(ADMIN_SCOPE) || viewer.connId === requester.connId) return true;
  return requester.deviceId !== undefined && viewer.deviceId === requester.deviceId;
}

/** The operators that are connected now. Whoever accepts connections tells it; nothing here knows sockets. */
export class Reviewers {
  private readonly connected = new Map<string, Reviewer>();
  /** By connection id: the sessions whose approvals it follows, the latest last. */
  private readonly followed = new Map<string, Set<string>>();

  constructor(private readonly limits: { subscriptionsPerConnection: number }) {}

  /** Notes a connected operator. Returns the function that takes it back. */
  attach(reviewer: Reviewer): () => void {
    this.connected.set(reviewer.connId, reviewer);
    return () => {
      this.connected.delete(reviewer.connId);
      this.followed.delete(reviewer.connId);
    };
  }

  /**
   * From now on the connection hears of approvals that this session asks for, whether or not it may decide them by the
   * methods of their kind. Beyond the bound the one followed longest goes.
   * @throws GatewayError without `operator.approvals`, or without a device for all but administrators
   */
  follow(sessionKey: string, viewer: Viewer): void {
    const isKnown = viewer.deviceId !== undefined || viewer.scopes.has(ADMIN_SCOPE);
    if (!isKnown || !hasScope(viewer, SCOPE)) {
      throw invalidRequest(
        `sessions.messages.subscribe includeApprovals requires a paired device and gateway scope: ${SCOPE}`,
      );
    }
    const sessions = this.followed.get(viewer.connId) ?? new Set();
    sessions.delete(sessionKey);
    this.followed.set(viewer.connId, sessions.add(sessionKey));
    const [oldest] = sessions;
    if (sessions.size > this.limits.subscriptionsPerConnection) sessions.delete(oldest!);
  }

  unfollow(sessionKey: string, connId: string): void {
    this.followed.get(connId)?.delete(sessionKey);
  }

  /** Connections that follow a session's approvals. */
  followers(sessionKey: string): string[] {
    return [...this.followed].filter(([, sessions]) => sessions.has(sessionKey)).map(([connId]) => connId);
  }

  /** Connections whose clients can show this approval and may decide it. */
  of(approval: Approval): string[] {
    const wanted = CAPABILITIES[approval.kind];
    return [...this.connected.values()]
      .filter((each) => hasScope(each, SCOPE) && wanted.some((name) => each.caps.has(name)))
      .filter((each) => mayReview(approval, each))
      .map((each) => each.connId);
  }
}
