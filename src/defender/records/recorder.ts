import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import { uuid } from "../../platform/ids.ts";
import type { Logger } from "../../platform/logger.ts";
import { SecretScanner } from "../../platform/secrets.ts";
import type { DecisionRecord, DecisionRepository } from "../decision-repository.ts";
import { excerptOf } from "../excerpt.ts";
import type { Decision } from "../types.ts";
import type { Quarantine } from "./quarantine.ts";

export interface RecorderOptions {
  decisions: Pick<DecisionRepository, "add" | "pass">;
  /** Absent where nothing is put away. */
  quarantine?: Pick<Quarantine, "add" | "isReleased">;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** The gateway's own secrets, by value. */
  secrets: () => readonly string[];
  excerptChars: number;
}

/** What a decision was about, beside the decision itself. */
export type Judged = Pick<
  DecisionRecord,
  "direction" | "kind" | "origin" | "actor" | "agentId" | "sessionKey" | "runId" | "policy" | "enforced"
>;

/** Writes decisions down, puts away what was blocked, and tells of it once it is on disk. */
export class Recorder {
  private readonly kept: SecretScanner;

  constructor(private readonly options: RecorderOptions) {
    this.kept = new SecretScanner({ values: options.secrets });
  }

  /** Whether this very payload was blocked before and a person has released it. */
  async isReleased(payload: string, about: Judged): Promise<boolean> {
    try {
      return (await this.options.quarantine?.isReleased(payload, about)) ?? false;
    } catch (error) {
      this.options.log.error("the quarantine could not be read", { error });
      return false;
    }
  }

  /** Writes down what was simply allowed, without the text and without waiting for the disk. */
  passed(decision: Decision, about: Judged): void {
    const record = this.recordOf(decision, about, "");
    this.options.decisions.pass(record).catch((error: unknown) => {
      this.options.log.warn("a decision could not be stored", { id: record.id, error });
    });
  }

  /** Writes down any other decision; resolves with its id when it is on disk and told. Never rejects. */
  async keep(payload: string, decision: Decision, about: Judged): Promise<string> {
    const { decisions, quarantine, bus, log, excerptChars } = this.options;
    const excerpt = excerptOf(payload, decision.findings[0]?.span, excerptChars, this.kept);
    const record = this.recordOf(decision, about, excerpt);
    const { id, verdict } = record;
    try {
      const isPutAway = verdict === "block" && record.enforced;
      await Promise.all([decisions.add(record), isPutAway ? quarantine?.add(id, payload, record) : undefined]);
    } catch (error) {
      // The verdict stands: that it could not be written down must not let the text pass.
      log.error("a decision could not be stored", { id, verdict, error });
      return id;
    }
    const { verdict: decided, excerpt: _unsaid, ...facts } = record;
    bus.publish("security.decision", { ...facts, decision: decided });
    return id;
  }

  private recordOf({ verdict, score, findings }: Decision, about: Judged, excerpt: string): DecisionRecord {
    const { enforced, direction, kind, origin, actor, agentId, sessionKey, runId, policy } = about;
    const decidedBy = findings[0]?.id;
    return {
      id: uuid(),
      at: this.options.clock.now(),
      verdict,
      enforced,
      score,
      ...(decidedBy !== undefined && { decidedBy }),
      findings,
      direction,
      ...(kind !== undefined && { kind }),
      origin,
      ...(actor !== undefined && { actor }),
      ...(agentId !== undefined && { agentId }),
      ...(sessionKey !== undefined && { sessionKey }),
      ...(runId !== undefined && { runId }),
      ...(policy !== undefined && { policy }),
      excerpt,
    };
  }
}
