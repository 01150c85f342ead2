import { LIMITS } from "../../generated/limits.ts";
import type {
  GatewaySuspendBlocker,
  GatewaySuspendPrepareParams,
  GatewaySuspendResumeParams,
  GatewaySuspendResumeResult,
  GatewaySuspendStatusParams,
  SuspendPrepareAnswer,
  SuspendStatusAnswer,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Settings } from "../store/settings.ts";

/** How far a suspension has come. Everything but `accepting` takes no new work. */
export type SuspensionPhase = "accepting" | "preparing" | "draining" | "prepared";

interface Lease {
  suspensionId: string;
  requestId: string;
  terminalPolicy: "preserve" | "terminate";
  phase: "draining" | "prepared";
  /** Epoch milliseconds. */
  expiresAtMs: number;
}

interface SuspensionDeps {
  settings: Settings;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** What is at work now. */
  blockers(): GatewaySuspendBlocker[];
  /** Keeps scheduled jobs from beginning, or lets them begin again. */
  pause(isPaused: boolean): void;
}

const SETTING = "gateway.suspension";
/** Milliseconds after which upstream has a controller ask again. */
const RETRY_BUSY_MS = 20_000;
const RETRY_REFUSED_MS = 1000;
const DRAIN_LOOK_MS = 1000;

/**
 * The cooperative suspension of the gateway (docs: gateway/external-apps): a controller that wants to freeze the process
 * takes a lease while nothing is at work. Until it is given back or runs out, only `gateway.suspend.*` is served. The
 * lease outlives the process.
 */
export class Suspension {
  private lease: Lease | null = null;
  private current: SuspensionPhase = "accepting";
  private expiry: ReturnType<typeof setTimeout> | undefined;
  private look: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly deps: SuspensionDeps) {}

  get phase(): SuspensionPhase {
    return this.current;
  }

  /** Why a method is not served now; null when it is. */
  refusal(method: string): GatewayError | null {
    if (this.current === "accepting" || method.startsWith("gateway.suspend.")) return null;
    return new GatewayError("UNAVAILABLE", `${method} unavailable during gateway suspension`, {
      retryable: true,
      retryAfterMs: RETRY_REFUSED_MS,
      details: { method, reason: "gateway-suspending", phase: this.current },
    });
  }

  /** Takes up a lease that has not run out, which an earlier process had given. */
  async start(): Promise<void> {
    const lease = (await this.deps.settings.get<Lease | null>(SETTING)) ?? null;
    if (lease === null || lease.expiresAtMs <= this.deps.clock.now()) return;
    this.deps.log.warn("the gateway is suspended since before its start", { expiresAtMs: lease.expiresAtMs });
    this.hold(lease);
  }

  stop(): void {
    clearTimeout(this.expiry);
    clearInterval(this.look);
  }

  /**
   * Takes or renews a lease. Busy: none is given, unless `drain` asks to take nothing new while what is at work ends.
   * @throws GatewayError (`gateway-suspension-conflict`) while another one is held
   */
  async prepare(params: GatewaySuspendPrepareParams): Promise<SuspendPrepareAnswer> {
    const { terminalPolicy = "preserve", drain = false } = params;
    const requestId = params.requestId.trim();
    const held = this.live();
    if (held && (held.requestId !== requestId || held.terminalPolicy !== terminalPolicy)) {
      throw this.conflict("another gateway suspension is already prepared", held);
    }
    if (this.current === "accepting") this.enter("preparing");
    const blockers = this.deps.blockers();
    if (blockers.length > 0 && held === null && !drain) {
      this.enter("accepting");
      const busy = { status: "busy" as const, reason: "active-work" as const, retryAfterMs: RETRY_BUSY_MS };
      return { ...busy, activeCount: sum(blockers), blockers, writeCustody: [] };
    }
    const lease: Lease = {
      suspensionId: held?.suspensionId ?? uuid(),
      requestId,
      terminalPolicy,
      phase: blockers.length > 0 ? "draining" : "prepared",
      expiresAtMs: this.deps.clock.now() + LIMITS.suspensionLeaseMs,
    };
    // Held before it is stored, so that nothing begins meanwhile. What was written before is on disk when this write is.
    this.lease = lease;
    try {
      await this.deps.settings.set(SETTING, lease);
    } catch (error) {
      this.release();
      throw error;
    }
    this.hold(lease);
    return this.leaseAnswer(lease);
  }

  /** @throws GatewayError when another lease is held */
  async status({ suspensionId }: GatewaySuspendStatusParams): Promise<SuspendStatusAnswer> {
    const lease = this.live();
    if (lease === null) return { status: "running" };
    if (lease.suspensionId !== suspensionId.trim()) {
      throw this.conflict("a different gateway suspension is prepared", lease);
    }
    await this.settle();
    const { suspensionId: _id, ...answer } = this.leaseAnswer(lease);
    return answer.status === "ready"
      ? { status: "ready", expiresAtMs: answer.expiresAtMs, writeCustody: [] }
      : (answer as SuspendStatusAnswer);
  }

  /** Gives the lease back; when there is none any more, that is no error. @throws GatewayError for another's */
  async resume({ suspensionId }: GatewaySuspendResumeParams): Promise<GatewaySuspendResumeResult> {
    const lease = this.live();
    if (lease === null) return { ok: true, status: "running", resumed: false };
    if (lease.suspensionId !== suspensionId.trim()) throw invalidRequest("gateway suspension id does not match");
    await this.deps.settings.set(SETTING, null);
    if (this.lease === lease) this.release();
    return { ok: true, status: "running", resumed: true };
  }

  private leaseAnswer({ phase, suspensionId, expiresAtMs }: Lease) {
    const facts = { suspensionId, expiresAtMs, writeCustody: [] };
    if (phase === "prepared") return { ...facts, status: "ready" as const, activeCount: 0, blockers: [] };
    const blockers = this.deps.blockers();
    const drain = { status: "draining" as const, retryAfterMs: RETRY_BUSY_MS };
    return { ...facts, ...drain, activeCount: sum(blockers), blockers };
  }

  /** The lease that has not run out. */
  private live(): Lease | null {
    if (this.lease && this.lease.expiresAtMs <= this.deps.clock.now()) this.release();
    return this.lease;
  }

  private hold(lease: Lease): void {
    this.lease = lease;
    this.deps.pause(true);
    this.enter(lease.phase);
    this.stop();
    this.expiry = setTimeout(() => this.live(), Math.max(0, lease.expiresAtMs - this.deps.clock.now()) + 1);
    this.expiry.unref();
    if (lease.phase !== "draining") return;
    this.look = setInterval(() => {
      this.settle().catch((error) => this.deps.log.error("a suspension could not be stored", { error }));
    }, DRAIN_LOOK_MS);
    this.look.unref();
  }

  /** What drained is prepared once nothing is at work. */
  private async settle(): Promise<void> {
    const lease = this.live();
    if (lease?.phase !== "draining" || this.deps.blockers().length > 0) return;
    lease.phase = "prepared";
    await this.deps.settings.set(SETTING, lease);
    if (this.lease === lease) this.hold(lease);
  }

  private release(): void {
    this.lease = null;
    this.stop();
    this.deps.pause(false);
    this.enter("accepting");
  }

  private enter(phase: SuspensionPhase): void {
    if (phase === this.current) return;
    this.current = phase;
    this.deps.bus.publish("gateway.suspension", { phase });
  }

  private conflict(message: string, { expiresAtMs }: Lease): GatewayError {
    return new GatewayError("UNAVAILABLE", message, {
      retryable: true,
      retryAfterMs: Math.max(0, expiresAtMs - this.deps.clock.now()),
      details: { reason: "gateway-suspension-conflict", expiresAtMs },
    });
  }
}

const sum = (blockers: readonly GatewaySuspendBlocker[]): number =>
  blockers.reduce((total, { count }) => total + count, 0);
