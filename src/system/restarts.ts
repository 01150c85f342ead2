import type { RestartPreflightResult, RestartRequestResult } from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";

interface RestartDeps {
  preflight(): RestartPreflightResult;
  limits: { restartPollMs: number; restartPatienceMs: number; restartAnswerMs: number };
}

const USUAL_REASON = "gateway.restart.safe";
const REASON_CHARS = 200;

/**
 * `gateway.restart.request`: starts the gateway again once nothing is at work, or after `restartPatienceMs` in any case
 * (docs: gateway/protocol, system). Requests that come while one waits are one with it.
 */
export class Restarts {
  private carryOut: ((reason: string) => void) | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly deps: RestartDeps) {}

  /** Names who can start the gateway again; returns the function that ends it, and a restart that still waits. */
  servedBy(carryOut: (reason: string) => void): () => void {
    this.carryOut = carryOut;
    return () => {
      this.carryOut = undefined;
      clearTimeout(this.waiting);
      this.waiting = undefined;
    };
  }

  /**
   * @param params as they come: upstream takes `reason` and `skipDeferral` where they make sense and looks at nothing else
   * @throws GatewayError for a request to another gateway, and where nothing can start this one again
   */
  request({ reason: given, skipDeferral, target }: Record<string, unknown>): RestartRequestResult {
    if (target !== undefined) throw otherGateway(target);
    if (this.carryOut === undefined) {
      throw new GatewayError("UNAVAILABLE", "this gateway is embedded in a program that restarts it itself");
    }
    const reason = typeof given === "string" && given.trim() ? given.trim().slice(0, REASON_CHARS) : USUAL_REASON;
    const preflight = this.deps.preflight();
    const isNow = preflight.safe || skipDeferral === true;
    const isOneMore = this.waiting !== undefined;
    if (isNow || !isOneMore) this.plan(reason, isNow);
    const restart = { ok: true as const, pid: process.pid, signal: "SIGUSR2", reason, mode: "emit", delayMs: 0 };
    return {
      ok: true,
      status: isOneMore ? "coalesced" : isNow ? "scheduled" : "deferred",
      preflight,
      restart: { ...restart, cooldownMsApplied: 0, coalesced: isOneMore, emitHooksQueued: false },
    };
  }

  /** A moment later, so that the answer is out before the sockets close. */
  private plan(reason: string, isNow: boolean): void {
    const { restartAnswerMs, restartPollMs, restartPatienceMs } = this.deps.limits;
    const deadline = performance.now() + (isNow ? 0 : restartPatienceMs);
    const look = (): void => {
      if (!this.deps.preflight().safe && performance.now() < deadline) {
        this.waiting = setTimeout(look, restartPollMs);
        return;
      }
      this.waiting = undefined;
      this.carryOut?.(reason);
    };
    clearTimeout(this.waiting);
    this.waiting = setTimeout(look, restartAnswerMs);
  }
}

/** Upstream's command line names the process that it means by the lock of an upstream gateway, which none here holds. */
function otherGateway(target: unknown): GatewayError {
  const { pid, ownerId, port } = (target ?? {}) as Record<string, unknown>;
  const isNumber = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
  const isTarget = isNumber(pid) && isNumber(port) && typeof ownerId === "string" && ownerId !== "";
  return invalidRequest(
    isTarget ? "target gateway no longer owns the active lock" : "invalid targeted gateway restart",
  );
}
