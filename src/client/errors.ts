import type { Frame } from "./frames.ts";

/** What the gateway says in the `error` of an answer. */
export interface AnswerError {
  code: string;
  message: string;
  details?: Record<string, unknown>;
  retryable?: boolean;
  retryAfterMs?: number;
}

/** The gateway answered a request with an error. */
export class GatewayRequestError extends Error {
  readonly code: string;
  readonly details: Record<string, unknown> | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /** What was sent beside the error, for instance a run's `{runId, status, summary}`. */
  readonly payload: unknown;

  constructor(
    readonly method: string,
    error: AnswerError,
    payload?: unknown,
  ) {
    super(error.message);
    this.name = "GatewayRequestError";
    this.code = error.code;
    this.details = error.details;
    this.retryable = error.retryable === true;
    this.retryAfterMs = error.retryAfterMs;
    this.payload = payload;
  }

  /** The finer code of upstream, for instance `AUTH_TOKEN_MISMATCH`. */
  get detailCode(): string | undefined {
    const code = this.details?.code;
    return typeof code === "string" ? code : undefined;
  }

  static from(method: string, frame: Frame): GatewayRequestError {
    const error = typeof frame.error === "object" && frame.error !== null ? (frame.error as Partial<AnswerError>) : {};
    const { code = "UNAVAILABLE", message = "the gateway refused without a reason" } = error;
    return new GatewayRequestError(method, { ...error, code, message }, frame.payload);
  }
}

/** The gateway could not be asked, or did not answer. */
export class GatewayTransportError extends Error {
  constructor(
    message: string,
    /** `closed`: no connection, or it ended. `timeout`: nobody answered in time. */
    readonly kind: "closed" | "timeout",
    readonly facts: { reason?: string; closeCode?: number; timeoutMs?: number } = {},
  ) {
    super(message);
    this.name = "GatewayTransportError";
  }
}
