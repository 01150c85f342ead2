import type { ApprovalAccepted, ApprovalDecided, ApprovalRequestRecord } from "../../generated/types.ts";
import type { Approval, DeliveryRoute } from "./types.ts";

/** The first answer of a request that asked for two. */
export function accepted({ id, createdAtMs, expiresAtMs }: Approval, deliveryRoute: DeliveryRoute): ApprovalAccepted {
  return { status: "accepted", id, deliveryRoute, createdAtMs, expiresAtMs };
}

/** How it ended: the decision that somebody made, or null when nobody could be asked or nobody answered. */
export function decided({ id, decision, reason, createdAtMs, expiresAtMs }: Approval): ApprovalDecided {
  const wasMade = reason === "user" || reason === "malformed-verdict";
  return { id, decision: wasMade && decision ? decision : null, createdAtMs, expiresAtMs };
}

/** A row of a list of waiting approvals. */
export function record({ id, kind, request, createdAtMs, expiresAtMs }: Approval): ApprovalRequestRecord {
  return { id, request: { ...request }, createdAtMs, expiresAtMs, approvalKind: kind };
}
