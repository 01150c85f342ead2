import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { zonedDay } from "./day.ts";
import type { SpendingKind, SpendingOf, SpendingRepository, Spent } from "./spending-repository.ts";

/** One call to a model, as budgets see it. */
export interface BudgetCall {
  agentId: string;
  sessionKey: string;
  sessionId: string;
  runId: string;
  kind: SpendingKind;
  /** Tokens of the prompt, estimated; asked only where a budget applies. */
  promptTokens(): number;
  /** US dollars per million tokens. */
  cost: { input: number; output: number };
}

/** Leave to make a call. */
export interface Admission {
  /** Most tokens that the answer may have, so that no budget is passed. */
  maxTokens?: number;
  /**
   * The call has ended, and what it cost counts from now on. Resolves when that is on disk, which is with the next
   * write of anybody's, so that no turn waits for it; or when it could not be stored, which the log says.
   */
  spent(usage: { totalTokens: number; cost: { total: number } }): Promise<void>;
  /** The call gave no answer. */
  release(): void;
}

type Scope = "agent" | "session" | "day" | "heartbeat";
type Unit = "tokens" | "usd";

/** Ends a run that would pass a budget. */
export class BudgetExceeded extends Error {
  constructor(
    readonly scope: Scope,
    readonly unit: Unit,
    readonly limit: number,
    readonly spent: number,
  ) {
    super(
      `The budget ${WORDS[scope]} is used up: ${amount(spent, unit)} of ${amount(limit, unit)} are spent. ${ADVICE[scope]}`,
    );
    this.name = "BudgetExceeded";
  }
}

const WORDS: Readonly<Record<Scope, string>> = {
  agent: "of this agent for today",
  session: "of this session",
  day: "for today",
  heartbeat: "of this agent's heartbeats for today",
};
const ADVICE: Readonly<Record<Scope, string>> = {
  agent: "Wait until tomorrow, or raise budgets.agent or budgets.agents in the configuration.",
  session: "Start another session, or raise budgets.session in the configuration.",
  day: "Wait until tomorrow, or raise budgets.day in the configuration.",
  heartbeat: "Heartbeats go on tomorrow, or raise budgets.heartbeat in the configuration.",
};

const amount = (value: number, unit: Unit): string =>
  unit === "usd" ? `$${value.toFixed(value < 1 ? 4 : 2)}` : `${Math.round(value).toLocaleString("en-US")} tokens`;

/** A limit that applies to a call, and what counts against it. */
interface Rule {
  scope: Scope;
  unit: Unit;
  limit: number;
  of: SpendingOf;
}

interface Open {
  call: BudgetCall;
  estimate: Spent;
}

/**
 * Limits of what models may cost (`budgets` in the configuration): per agent and day, per session, per day of all
 * together, and for heartbeats of an agent and day. Checked before each call; an answer is not allowed to be
 * longer than what is left, and calls under way count with their prompt and a part of their answer, so that several at
 * once pass a budget by little.
 */
export class Budgets {
  private readonly open = new Set<Open>();
  /** One check after another: two that look at the same time would both see the other's money. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: {
      repository: SpendingRepository;
      config: ConfigPort;
      clock: Clock;
      bus: EventBus;
      log: Logger;
    },
  ) {}

  /** @throws BudgetExceeded when the call would pass a budget */
  admit(call: BudgetCall): Promise<Admission> {
    const rules = this.rules(call);
    if (rules.length === 0) return Promise.resolve(this.admission({ call, estimate: { tokens: 0, usd: 0 } }));
    const admitted = this.queue.then(() => this.check(call, rules));
    this.queue = admitted.catch(() => {});
    return admitted;
  }

  private async check(call: BudgetCall, rules: readonly Rule[]): Promise<Admission> {
    const tokens = call.promptTokens();
    const prompt: Spent = { tokens, usd: (tokens * call.cost.input) / 1e6 };
    let maxTokens = Number.POSITIVE_INFINITY;
    for (const { scope, unit, limit, of } of rules) {
      const stored = await this.options.repository.sum(of);
      const spent = stored[unit] + this.underWay(of)[unit];
      const left = limit - spent - prompt[unit];
      const perToken = unit === "tokens" ? 1 : call.cost.output / 1e6;
      const room = perToken > 0 ? Math.floor(left / perToken) : left > 0 ? Number.POSITIVE_INFINITY : 0;
      if (room < LIMITS.budgetAnswerTokens) throw this.refuse(call, new BudgetExceeded(scope, unit, limit, spent));
      maxTokens = Math.min(maxTokens, room);
    }
    const isBound = Number.isFinite(maxTokens);
    const granted = Math.min(maxTokens, LIMITS.budgetReservedTokens);
    const estimate = { tokens: prompt.tokens + granted, usd: prompt.usd + (granted * call.cost.output) / 1e6 };
    const open = { call, estimate };
    this.open.add(open);
    return { ...this.admission(open), ...(isBound ? { maxTokens } : {}) };
  }

  private refuse(call: BudgetCall, error: BudgetExceeded): BudgetExceeded {
    const { agentId, sessionKey, runId } = call;
    const { scope, unit, limit, spent, message } = error;
    const ts = this.options.clock.now();
    this.options.bus.publish("budget.exceeded", { agentId, sessionKey, runId, scope, unit, limit, spent, message, ts });
    return error;
  }

  private admission(open: Open): Admission {
    const { repository, clock, log } = this.options;
    const release = () => void this.open.delete(open);
    return {
      spent: async ({ totalTokens, cost }) => {
        open.estimate = { tokens: totalTokens, usd: cost.total };
        try {
          await repository.add(open.call, open.estimate, clock.now());
        } catch (error) {
          log.error("what a call cost could not be stored", { runId: open.call.runId, error: String(error) });
        } finally {
          release();
        }
      },
      release,
    };
  }

  private underWay({ agentId, sessionId, kind }: SpendingOf): Spent {
    const sum = { tokens: 0, usd: 0 };
    for (const { call, estimate } of this.open) {
      if (agentId !== undefined && call.agentId !== agentId) continue;
      if (sessionId !== undefined && call.sessionId !== sessionId) continue;
      if (kind !== undefined && call.kind !== kind) continue;
      sum.tokens += estimate.tokens;
      sum.usd += estimate.usd;
    }
    return sum;
  }

  private rules({ agentId, sessionId, kind }: BudgetCall): Rule[] {
    const { budgets, agents } = this.options.config.current;
    if (budgets === undefined) return [];
    const between = zonedDay(this.options.clock.now(), agents?.defaults?.userTimezone);
    const rule = (scope: Scope, limits: { tokens?: number; usd?: number } | undefined, of: SpendingOf): Rule[] =>
      (["tokens", "usd"] as const).flatMap((unit) => {
        const limit = limits?.[unit];
        return limit === undefined ? [] : [{ scope, unit, limit, of }];
      });
    return [
      ...rule("agent", budgets.agents?.[agentId] ?? budgets.agent, { between, agentId }),
      ...rule("session", budgets.session, { sessionId }),
      ...rule("day", budgets.day, { between }),
      ...(kind === "heartbeat" ? rule("heartbeat", budgets.heartbeat, { between, agentId, kind }) : []),
    ];
  }
}
