import type { Backoff } from "../client/backoff.ts";
import { GatewayClient } from "../client/client.ts";
import type { Closed } from "../client/connection.ts";
import type { DeviceTokens } from "../client/device-tokens.ts";
import { GatewayRequestError } from "../client/errors.ts";
import type { DeviceIdentity } from "../client/identity.ts";
import type { Credentials, Hello } from "../client/introduction.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import { Adviser } from "./adviser.ts";
import type { AnswerRepository } from "./answer-repository.ts";
import { ApprovalDesk, type DeskOptions } from "./approval-desk.ts";
import { type AskedKind, askedFrom } from "./asked.ts";
import type { Tell } from "./notice.ts";
import { type ListenerOptions, SessionListener } from "./session-listener.ts";
import { SessionQueues } from "./session-queues.ts";

export interface SidecarOptions {
  url: string;
  secret?: Credentials;
  identity: DeviceIdentity;
  tokens: DeviceTokens;
  defender: Pick<DefenderPort, "judge" | "screen">;
  answers: AnswerRepository;
  /** Decide and write down, and answer nothing. */
  auditOnly: boolean;
  tell: Tell;
  clock: Clock;
  log: Logger;
  limits: SidecarLimits;
  backoff?: Backoff;
}

/** Values and reasons in `spec/chela/limits.yaml`. */
export type SidecarLimits = DeskOptions["limits"] &
  ListenerOptions["limits"] & {
    sidecarQueuePerSession: number;
    sidecarQueueTotal: number;
    sidecarAtOnce: number;
    sidecarPollMs: number;
    closeGraceMs: number;
  };

const KINDS: readonly AskedKind[] = ["exec", "plugin"];
/** Without `operator.admin` a gateway shows nobody the approvals that others asked for (BEHAVIOUR section 9). */
const SCOPES = ["operator.admin", "operator.approvals", "operator.read"];

/**
 * The defender beside a gateway that is not ours. It comes as an operator, with a device of its own, and answers what it
 * is sure of: allow-once for what the defender allows, deny for what it blocks. All else is left to people. While it is
 * away the gateway does what it does without it.
 */
export class Sidecar {
  /** Rejects when going on is hopeless, for instance with a wrong secret. Pending until then. */
  readonly failed: Promise<never>;
  private readonly client: GatewayClient;
  private readonly queues: SessionQueues;
  private readonly desk: ApprovalDesk;
  private readonly listener: SessionListener;
  private readonly fail: (error: Error) => void;
  private connection = 0;
  private methods: ReadonlySet<string> = new Set();
  private poll: ReturnType<typeof setTimeout> | undefined;
  private asksFor: string | undefined;
  private isStopped = false;

  constructor(private readonly options: SidecarOptions) {
    const { url, secret, identity, tokens, defender, limits, tell, log, auditOnly, backoff } = options;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failed = promise;
    this.fail = reject;
    const { sidecarQueuePerSession, sidecarQueueTotal, sidecarAtOnce } = limits;
    this.queues = new SessionQueues(
      { perSession: sidecarQueuePerSession, total: sidecarQueueTotal, atOnce: sidecarAtOnce },
      (error) => {
        log.error("a task of the sidecar failed", { error });
        tell({ event: "trouble", message: `Something could not be judged: ${(error as Error).message}` });
      },
    );
    this.client = new GatewayClient({
      url,
      secret,
      identity,
      tokens,
      who: who(auditOnly),
      onHello: (hello) => this.attached(hello),
      onEnd: (end, retryInMs) => this.detached(end, retryInMs),
      ...(backoff && { backoff }),
    });
    const request = (method: string, params: unknown): Promise<unknown> => this.client.request(method, params);
    this.listener = new SessionListener({ request, defender, queues: this.queues, tell, limits });
    const current = (): number => this.connection;
    this.desk = new ApprovalDesk({
      ...options,
      queues: this.queues,
      adviser: new Adviser(defender, (key) => this.listener.isSuspect(key)),
      line: {
        request,
        get connection() {
          return current();
        },
      },
    });
    this.client.onEvent((event, payload) => this.heard(event, payload));
  }

  start(): this {
    this.client.start();
    return this;
  }

  /** Takes nothing more, waits for what is at work and leaves. What is not answered stays with the gateway. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.poll);
    const done = this.queues.close();
    // A gateway that does not answer is not waited for: what is asked of it is rejected when the client stops.
    const impatience = Promise.withResolvers<void>();
    const timer = setTimeout(impatience.resolve, this.options.limits.closeGraceMs);
    await Promise.race([done, impatience.promise]);
    clearTimeout(timer);
    this.connection++;
    await this.client.stop();
    await done;
    this.options.tell({ event: "stopped", approvals: this.desk.totals, texts: this.listener.texts });
  }

  private attached(hello: Hello): void {
    const { tell, url } = this.options;
    this.connection++;
    this.asksFor = undefined;
    this.methods = new Set(hello.features?.methods);
    tell({ event: "attached", url, protocol: hello.protocol, version: hello.server?.version ?? "unknown" });
    const granted = hello.auth?.scopes;
    if (granted && !granted.includes("operator.admin") && !granted.includes("operator.approvals")) {
      tell({ event: "trouble", message: "The gateway lets this device see no approvals; widen its scopes there." });
    }
    void this.listener.begin(this.methods);
    void this.fetchOpen();
  }

  private detached(end: Closed | Error, retryInMs: number | null): void {
    const { tell, identity } = this.options;
    clearTimeout(this.poll);
    this.desk.forget();
    const reason = end instanceof Error ? end.message : (end.error ?? (end.reason || `closed with ${end.code}`));
    if (end instanceof GatewayRequestError && isPairing(end)) {
      const { requestId } = end.details ?? {};
      const asked = typeof requestId === "string" ? requestId : "";
      // Said once for each request, not at every attempt.
      if (asked !== this.asksFor) {
        tell({ event: "pairing-required", deviceId: identity.id, ...(asked && { requestId: asked }) });
      }
      this.asksFor = asked;
      if (retryInMs !== null) return;
    }
    tell({ event: "detached", reason, retryInMs: retryInMs === null ? null : Math.round(retryInMs) });
    if (retryInMs === null) this.fail(end instanceof Error ? end : new Error(reason));
  }

  private heard(event: string, payload: unknown): void {
    if (this.isStopped) return;
    const kind = KINDS.find((each) => event.startsWith(`${each}.approval.`));
    if (kind === undefined) this.listener.event(event, payload);
    else if (event.endsWith(".requested")) this.take(kind, payload);
    else if (event.endsWith(".resolved")) this.desk.over(kind, payload);
    if (this.desk.takeMissed()) void this.fetchOpen();
  }

  private take(kind: AskedKind, payload: unknown): void {
    const asked = askedFrom(kind, payload);
    if (asked) this.desk.take(asked);
    else this.options.log.warn("an approval could not be read", { kind });
  }

  /** Asks for approvals that were opened meanwhile. Again after a while where nobody tells us of new ones. */
  private async fetchOpen(): Promise<void> {
    clearTimeout(this.poll);
    const { connection } = this;
    let isWhole = true;
    for (const kind of KINDS) {
      if (this.methods.has(`${kind}.approval.list`)) isWhole = (await this.fetchKind(kind)) && isWhole;
    }
    const isDue = this.options.auditOnly || !isWhole || this.desk.takeMissed();
    if (!isDue || this.isStopped || connection !== this.connection) return;
    clearTimeout(this.poll);
    this.poll = setTimeout(() => void this.fetchOpen(), this.options.limits.sidecarPollMs);
  }

  /** False when it may succeed later. */
  private async fetchKind(kind: AskedKind): Promise<boolean> {
    try {
      const open = await this.client.request(`${kind}.approval.list`, {});
      if (!this.isStopped) for (const record of Array.isArray(open) ? open : []) this.take(kind, record);
      return true;
    } catch (error) {
      const isFinal = error instanceof GatewayRequestError && !error.retryable;
      if (isFinal)
        this.options.tell({ event: "trouble", message: `Open approvals cannot be listed: ${error.message}` });
      return isFinal;
    }
  }
}

/**
 * Who says that it can answer approvals is waited for by the gateway, so a watcher does not say so. A backend would be
 * let in on the gateway's own machine without being paired (measured on 2026.9.6). Both wire versions are spoken.
 */
const who = (auditOnly: boolean) => ({
  client: {
    id: "gateway-client" as const,
    mode: "cli" as const,
    displayName: "Chela defender",
    version: COMPATIBLE_VERSION,
    platform: process.platform,
  },
  role: "operator" as const,
  scopes: SCOPES,
  protocol: { min: 3, max: 4 },
  more: { caps: auditOnly ? [] : ["approvals", "exec-approvals", "plugin-approvals"] },
});

const isPairing = ({ code, detailCode }: GatewayRequestError): boolean =>
  detailCode === "PAIRING_REQUIRED" || (code === "NOT_PAIRED" && detailCode === undefined);
