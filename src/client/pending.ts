import { LIMITS } from "../../generated/limits.ts";
import { uuid } from "../platform/ids.ts";
import { GatewayRequestError, GatewayTransportError } from "./errors.ts";
import { type Frame, field } from "./frames.ts";

export interface CallOptions {
  /** Milliseconds until the call is given up; null waits as long as the connection lives. */
  timeoutMs?: number | null;
  /** Of a method with two answers, wait for the second. */
  expectFinal?: boolean;
  /** Told the first of two answers when waiting for the second. */
  onAccepted?(payload: unknown): void;
}

interface Pending {
  method: string;
  options: CallOptions;
  timer: ReturnType<typeof setTimeout> | undefined;
  resolve(payload: unknown): void;
  reject(error: Error): void;
}

/** The requests that wait for an answer, by id. At most `clientPendingRequests` at once. */
export class PendingRequests {
  private readonly waiting = new Map<string, Pending>();
  private count = 0;

  constructor(private readonly write: (text: string) => void) {}

  send(method: string, params: unknown, options: CallOptions = {}): Promise<unknown> {
    if (this.waiting.size >= LIMITS.clientPendingRequests) {
      return Promise.reject(new GatewayTransportError("Too many calls are waiting for an answer.", "closed"));
    }
    const id = `${++this.count}:${uuid()}`;
    const { timeoutMs = LIMITS.clientRequestTimeoutMs } = options;
    return new Promise((resolve, reject) => {
      const timer = timeoutMs === null ? undefined : setTimeout(() => this.expire(id, timeoutMs), timeoutMs);
      this.waiting.set(id, { method, options, timer, resolve, reject });
      this.write(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  /** Takes an answer. One to a request that nobody waits for any more is dropped. */
  answered(frame: Frame): void {
    const call = this.waiting.get(frame.id ?? "");
    if (call === undefined) return;
    const { options, method } = call;
    if (frame.ok === true && options.expectFinal && field(frame.payload, "status") === "accepted") {
      options.onAccepted?.(frame.payload);
      return;
    }
    this.remove(frame.id!, call);
    if (frame.ok === true) call.resolve(frame.payload);
    else call.reject(GatewayRequestError.from(method, frame));
  }

  rejectAll(error: Error): void {
    for (const [id, call] of this.waiting) {
      this.remove(id, call);
      call.reject(error);
    }
  }

  private expire(id: string, timeoutMs: number): void {
    const call = this.waiting.get(id);
    if (call === undefined) return;
    this.remove(id, call);
    const message = `The gateway did not answer ${call.method} within ${timeoutMs} ms.`;
    call.reject(new GatewayTransportError(message, "timeout", { timeoutMs }));
  }

  private remove(id: string, call: Pending): void {
    clearTimeout(call.timer);
    this.waiting.delete(id);
  }
}
