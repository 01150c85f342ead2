import { GatewayError, invalidRequest } from "../platform/errors.ts";

const REMEDY = "Re-request the action; approvals that were not answered in time are gone.";

/** Nothing under this id that the caller may see. The methods of one kind say so in these words. */
export const unknownApproval = (): GatewayError =>
  invalidRequest("unknown or expired approval id", { reason: "APPROVAL_NOT_FOUND", remediation: REMEDY });

export const notFound = (): GatewayError => invalidRequest("approval not found", { reason: "APPROVAL_NOT_FOUND" });

export const alreadyResolved = (): GatewayError =>
  invalidRequest("approval already resolved", { reason: "APPROVAL_ALREADY_RESOLVED" });

export const ambiguousPrefix = (): GatewayError => invalidRequest("ambiguous approval id prefix; use the full id");

export const requestUnavailable = (retryable?: boolean): GatewayError =>
  new GatewayError("UNAVAILABLE", "approval request unavailable", { retryable });
