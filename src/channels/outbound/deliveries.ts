import { injectedMessage } from "../../agents/injected.ts";
import { Expiry } from "../../approvals/expiry.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { Delivery, Outbox } from "./outbox.ts";
import { type ChannelPort, DeliveryFailure, type Receipt } from "./port.ts";

export interface DeliveriesDeps {
  outbox: Outbox;
  sessions: Pick<Sessions, "say">;
  /** The channel of a delivery as it is now, which may have changed since. */
  port(channel: string, account: string): ChannelPort;
  clock: Clock;
  log: Logger;
  limits: { outboxAttempts: number; outboxRetryMs: number; outboxRetryMaxMs: number; outboxDeliverMs: number };
}

const AT_ONCE = 8;
const UNKNOWN_OUTCOME = "The gateway stopped while this was being sent; nobody knows whether it arrived.";

const STOPPING = "the gateway is stopping";

/** The attempt of one delivery: done, to be tried again later, or given up. */
export type Attempt = { receipt: Receipt } | { error: string; isQueued: boolean };

/** Makes the attempts of deliveries: the first one at once, later ones with growing distance, and then no more. */
export class Deliveries {
  private readonly retries: Expiry;
  private readonly ending = new AbortController();
  private readonly underWay = new Set<Promise<unknown>>();
  /** Messages given up since the start. */
  givenUp = 0;

  constructor(private readonly deps: DeliveriesDeps) {
    this.retries = new Expiry(deps, () => this.retryDue());
  }

  /** Settles what the last stop left, and tries again what is due. */
  async start(): Promise<void> {
    await this.deps.outbox.recover(UNKNOWN_OUTCOME);
    const next = await this.deps.outbox.nextAt();
    if (next !== null) this.retries.notLaterThan(next);
  }

  /** When the next attempt is due, or null. */
  nextAt(): Promise<number | null> {
    return this.deps.outbox.nextAt();
  }

  /** Tries again what is due now. */
  retry(): Promise<void> {
    return this.retries.run();
  }

  /** Waits for the attempts that are under way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }

  /** Ends the attempts that are under way; they are made again after the next start. */
  async stop(): Promise<void> {
    this.retries.stop();
    this.ending.abort();
    await this.settled();
  }

  /** One attempt, with everything that follows from it on disk when the promise resolves. */
  attempt(delivery: Delivery): Promise<Attempt> {
    const attempt = this.make(delivery);
    this.underWay.add(attempt);
    const done = () => this.underWay.delete(attempt);
    attempt.then(done, done);
    return attempt;
  }

  private async make(delivery: Delivery): Promise<Attempt> {
    const { outbox, port, limits } = this.deps;
    let receipt: Receipt;
    try {
      const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(limits.outboxDeliverMs)]);
      receipt = await port(delivery.channel, delivery.account).deliver(delivery.message!, signal);
    } catch (error) {
      if (this.ending.signal.aborted) return { error: STOPPING, isQueued: delivery.method === "send" };
      return this.failed(delivery, error);
    }
    await this.mirror(delivery);
    await outbox.delivered(delivery.id, receipt);
    return { receipt };
  }

  private async failed(delivery: Delivery, cause: unknown): Promise<Attempt> {
    const { outbox, clock, log, limits } = this.deps;
    const failure = cause instanceof DeliveryFailure ? cause : undefined;
    if (!failure) log.error("a channel failed to deliver", { channel: delivery.channel, error: cause });
    const error = failure?.message ?? `${delivery.channel} could not deliver the message`;
    const attempts = delivery.attempts + 1;
    const isLast = failure?.isPermanent === true || attempts >= limits.outboxAttempts || delivery.method !== "send";
    const wait = Math.min(limits.outboxRetryMs * 2 ** (attempts - 1), limits.outboxRetryMaxMs);
    const nextAt = isLast ? null : clock.now() + Math.max(wait, failure?.retryAfterMs ?? 0);
    await outbox.failed(delivery.id, error, nextAt);
    if (nextAt !== null) this.retries.notLaterThan(nextAt);
    else if (delivery.method === "send") {
      this.givenUp++;
      log.warn("a message was given up", { channel: delivery.channel, attempts, reason: error });
    }
    return { error, isQueued: nextAt !== null };
  }

  /** Puts what was sent into its session. The key keeps it from standing there twice when an attempt is repeated. */
  private async mirror({ id, mirrorKey, message }: Delivery): Promise<void> {
    if (mirrorKey === null || !message) return;
    const { sessions, clock, log } = this.deps;
    const text = mirrored(message.content);
    if (text === "") return;
    const copy = {
      ...injectedMessage(text, clock.now(), { idempotencyKey: `delivery:${id}` }),
      model: "delivery-mirror",
    };
    await sessions.say(mirrorKey, [copy], { reason: "send" }).catch((error) => {
      log.error("what was sent could not be put into its session", { error });
    });
  }

  private async retryDue(): Promise<number | null> {
    const { outbox, clock } = this.deps;
    const due = await outbox.take(AT_ONCE);
    await Promise.all(due.map((delivery) => this.attempt(delivery)));
    return due.length === AT_ONCE ? clock.now() : outbox.nextAt();
  }
}

function mirrored(content: NonNullable<Delivery["message"]>["content"]): string {
  if (content.kind === "poll") return [content.question, ...content.options.map((option) => `- ${option}`)].join("\n");
  if (content.kind === "action") return "";
  const files = content.mediaUrls.map((url) => url.split(/[?#]/)[0]!.split("/").at(-1) || "media");
  return content.text || files.join(", ") || content.buffer?.filename || "";
}
