import type { GatewayConfig } from "../../../generated/config.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { SecretScanner } from "../../platform/secrets.ts";
import type { ActionGuard } from "../guard.ts";
import type { Action, Finding } from "../types.ts";
import { ask, NoAnswer, type Refusal } from "./client.ts";
import type { Reputation, ReputationRepository, Subject } from "./reputations.ts";
import { subjectOf } from "./subject.ts";
import { reputationFindings } from "./weigh.ts";

export interface VirusTotalOptions {
  config: { readonly current: Pick<GatewayConfig, "security"> };
  reputations: ReputationRepository;
  clock: Clock;
  log: Logger;
  /** The gateway's own secrets, by value. */
  secrets: () => readonly string[];
  limits: { virustotalAsking: number; virustotalTimeoutMs: number };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How long nobody is asked after each kind of refusal. */
const PAUSE: Readonly<Record<Refusal, number>> = { offline: MINUTE, quota: 15 * MINUTE, key: HOUR };

/**
 * What the engines of VirusTotal say of files and addresses. Off without a key. No decision waits longer than
 * `waitMs`: an answer that comes later counts from the cache the next time, and so does one that is renewed. Where there
 * is no answer nothing is found but `virustotal.unavailable`, whose score is for the policy's `rules` to say.
 */
export class VirusTotal implements ActionGuard {
  readonly name = "virustotal";
  private readonly scanner: SecretScanner;
  private readonly asking = new Map<string, Promise<Reputation | null>>();
  private paused = { until: 0, key: "" };

  constructor(private readonly options: VirusTotalOptions) {
    this.scanner = new SecretScanner({ values: options.secrets });
  }

  inspect(action: Action): Finding[] | Promise<Finding[]> {
    const { apiKey } = this.settings;
    if (typeof apiKey !== "string" || apiKey === "" || this.settings.enabled === false) return [];
    const subject = subjectOf(action, this.scanner);
    return subject === null ? [] : this.look(subject, apiKey);
  }

  /** Questions to the service that are under way. */
  async settled(): Promise<void> {
    await Promise.all(this.asking.values());
  }

  private get settings() {
    return this.options.config.current.security.defender.virustotal;
  }

  private async look(subject: Subject, key: string): Promise<Finding[]> {
    const { reputations, clock } = this.options;
    const { cacheHours, waitMs } = this.settings;
    const cached = await reputations.find(subject);
    const age = cached === null ? Number.POSITIVE_INFINITY : clock.now() - cached.fetchedAt;
    // What nobody has seen yet may have been seen soon after.
    const isFresh = age >= 0 && age < (cached?.isKnown ? cacheHours * HOUR : Math.min(cacheHours, 6) * HOUR);
    if (cached !== null && isFresh) return reputationFindings(subject.kind, cached, clock.now());
    const answer = this.answerOf(subject, key);
    if (cached !== null) return reputationFindings(subject.kind, cached, clock.now());
    const found = await within(answer, waitMs);
    if (found === null) return [UNAVAILABLE];
    return reputationFindings(subject.kind, found, clock.now());
  }

  /** One question for one subject at a time. Null when there is no answer. Never rejects. */
  private answerOf(subject: Subject, key: string): Promise<Reputation | null> {
    const name = `${subject.kind} ${subject.sha256}`;
    const known = this.asking.get(name);
    if (known) return known;
    if (this.asking.size >= this.options.limits.virustotalAsking) return Promise.resolve(null);
    const answer = this.asked(subject, key).finally(() => this.asking.delete(name));
    this.asking.set(name, answer);
    return answer;
  }

  private async asked(subject: Subject, key: string): Promise<Reputation | null> {
    const { reputations, clock, log, limits } = this.options;
    const { baseUrl, perMinute, perDay } = this.settings;
    try {
      if (this.paused.key === key && clock.now() < this.paused.until) return null;
      if (!(await reputations.take(clock.now(), perMinute, perDay))) return null;
      const found = await ask(subject, baseUrl.replace(/\/+$/, ""), key, limits.virustotalTimeoutMs);
      await reputations.keep(subject, found, clock.now());
      return found;
    } catch (error) {
      const refusal = error instanceof NoAnswer ? error.refusal : "offline";
      this.paused = { until: clock.now() + PAUSE[refusal], key };
      if (error instanceof NoAnswer) log.warn("virustotal gives no answer", { refusal });
      else log.error("what virustotal said could not be kept", { error });
      return null;
    }
  }
}

const UNAVAILABLE: Finding = {
  id: "virustotal.unavailable",
  score: 1,
  reason: "The engines could not be asked in time.",
};

/** The answer, or null when it takes longer. */
async function within<T>(answer: Promise<T | null>, ms: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
