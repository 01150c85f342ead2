import type { ErrorCode } from "../../generated/errors.ts";

/** What an error may carry besides code and message. `details.code` is the machine-readable sub-code of upstream. */
export interface ErrorExtras {
  details?: Record<string, unknown>;
  retryable?: boolean;
  /** Milliseconds after which a retry makes sense. */
  retryAfterMs?: number;
  /** Sent beside the error in the same frame; upstream does so for a run that failed (`{runId, status, summary}`). */
  payload?: unknown;
}

/**
 * The one error type that may cross the wire. Domains throw it; the gateway turns it into
 * `{code, message, details?, retryable?, retryAfterMs?}`. Anything else thrown is answered as
 * `UNAVAILABLE` without internals, so a message given here must be safe to show to the caller.
 */
export class GatewayError extends Error {
  readonly details?: Record<string, unknown>;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly payload?: unknown;

  constructor(
    readonly code: ErrorCode,
    message: string,
    extras: ErrorExtras = {},
  ) {
    super(message);
    this.name = "GatewayError";
    this.details = extras.details;
    this.retryable = extras.retryable;
    this.retryAfterMs = extras.retryAfterMs;
    this.payload = extras.payload;
  }
}

/** Shorthand for the most common refusal: the caller sent something that cannot be served. */
export function invalidRequest(message: string, details?: Record<string, unknown>): GatewayError {
  return new GatewayError("INVALID_REQUEST", message, { details });
}
