import type {
  ApprovalDecision,
  ApprovalKind,
  ApprovalPresentation,
  ApprovalTerminalReason,
} from "../../generated/types.ts";

export type { ApprovalDecision, ApprovalKind, ApprovalTerminalReason };

/** `allowed` and `denied` were decided; nobody answered an `expired` one; its owner gave a `cancelled` one up. */
export type ApprovalStatus = "pending" | "allowed" | "denied" | "expired" | "cancelled";

/** Who or what ended an approval. */
export interface ApprovalResolver {
  kind: "device" | "channel" | "runtime" | "system";
  id?: string;
}

/** The scheduled job that asks: an `allow-always` for it leaves a standing permission. */
export interface Automation {
  agentId: string;
  cronJobId: string;
  cronJobName?: string;
}

/** A wish to do something that waits for somebody's decision, or the record of how it ended. Times in epoch ms. */
export interface Approval {
  id: string;
  kind: ApprovalKind;
  status: ApprovalStatus;
  createdAtMs: number;
  expiresAtMs: number;
  /** What clients get as `request`; safe to show, without values of the environment. */
  request: Readonly<Record<string, unknown>>;
  /** What the methods that are the same for all kinds show. */
  presentation: ApprovalPresentation;
  source: { agentId?: string; sessionKey?: string };
  /** Who asked: they see the approval and its end without being an administrator. */
  requester: { connId: string; deviceId?: string };
  automation?: Automation;
  resolvedAtMs?: number;
  decision?: ApprovalDecision;
  reason?: ApprovalTerminalReason;
  resolver?: ApprovalResolver;
  grantExpiresInDays?: number;
  /** When the command that was allowed was handed to whoever runs it: a permission is good for one run. */
  usedAtMs?: number;
}

/** What a kind of approval makes of a client's params. */
export interface ApprovalDraft {
  id: string;
  kind: ApprovalKind;
  request: Readonly<Record<string, unknown>>;
  presentation: ApprovalPresentation;
  source: Approval["source"];
  /** For how long somebody may decide. */
  timeoutMs: number;
  /** Without anybody who could be asked the approval ends at once, refused. */
  requireRoute: boolean;
  /** Nobody is told; whoever lists sees it. */
  silent: boolean;
  /** Never from a client's params. */
  automation?: Automation;
}

/** Begins the `connId` of a requester that is a run and no connection. */
export const RUN_REQUESTER = "run:";

/** The facts of a connection that decide what it sees and may decide. */
export interface ApprovalCaller {
  connId: string;
  deviceId?: string;
  scopes: ReadonlySet<string>;
  client: { id: string; displayName?: string };
}

/** A connected operator that may be asked; `caps` are what its client said it can show. */
export interface Reviewer {
  connId: string;
  deviceId?: string;
  scopes: ReadonlySet<string>;
  caps: ReadonlySet<string>;
}

/** How a request reaches somebody: `approval-client` when a connected client was asked, `none` when nobody was. */
export type DeliveryRoute = "approval-client" | "none";

/**
 * For parts of the gateway that need a decision before they go on, such as the defender's reviews. The approval lives
 * in the database: a decision counts although its owner has stopped waiting.
 */
export interface ApprovalsPort {
  /** Opens an approval and tells who may decide. @throws GatewayError when the id is in use or too many wait */
  open(draft: ApprovalDraft, requester: Approval["requester"]): Promise<{ approval: Approval; route: DeliveryRoute }>;
  /** The approval once it has ended, or as it is when the signal aborts; null for an unknown id. */
  settled(id: string, signal: AbortSignal): Promise<Approval | null>;
  /** Gives an approval up that still waits, for instance because the run behind it was aborted. */
  cancel(id: string, reason: "run-aborted" | "gateway-restart"): Promise<void>;
}
