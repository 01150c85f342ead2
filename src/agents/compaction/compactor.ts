import { LIMITS } from "../../../generated/limits.ts";
import type { SessionsCompactParams, SessionsCompactResult } from "../../../generated/types.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Models } from "../../models/models.ts";
import type { ResolvedModel } from "../../models/types.ts";
import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { uuid } from "../../platform/ids.ts";
import type { Logger } from "../../platform/logger.ts";
import { isCompacted, storeCompaction } from "../../sessions/compaction.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { SessionState, StoredMessage } from "../../sessions/types.ts";
import type { Admission, Budgets } from "../../usage/budgets.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { contentTokens, promptTokensOf, textTokens } from "../context/conversation.ts";
import { answer } from "../runs/answer.ts";
import { chooseModels } from "../runs/model-choice.ts";
import { RunStopped } from "../runs/run.ts";
import type { Runs } from "../runs/runs.ts";
import { type Cut, cutContext, KEEP_RECENT_TOKENS } from "./cut.ts";
import { asText, clip, SUMMARY_SYSTEM, summaryRequest } from "./summary-prompt.ts";

export interface CompactorOptions {
  sessions: Sessions;
  models: Models;
  budgets: Budgets;
  agents: AgentCatalogue;
  runs: Runs;
  defender: DefenderPort;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

/** Why nothing was summed up, in words for whoever asked. */
class NotCompacted extends Error {}

/**
 * Lets a model sum up what was said in a session (docs: concepts/compaction). The transcript keeps everything; from then
 * on a model is given the summary and what stands behind the cut.
 */
export class Compactor {
  constructor(private readonly options: CompactorOptions) {}

  /**
   * `sessions.compact` without `maxLines`. Messages that come meanwhile wait; what stops the session stops this, too, and
   * then everything is as it was.
   * @param focus what the summary is to pay attention to
   * @throws GatewayError when the session is at work
   */
  async compact({ key: given, agentId }: SessionsCompactParams, focus?: string): Promise<SessionsCompactResult> {
    const { sessions, runs } = this.options;
    const key = sessions.canonicalKey(given, agentId);
    if (!(await sessions.repository.find(key))) return { ok: true, key, compacted: false, reason: "no sessionId" };
    const work = runs.occupy(key);
    if (work === null) throw invalidRequest(`Session ${given} has an active run; retry after it finishes.`);
    try {
      await work.begun;
      const result = await this.sumUp(key, work, focus);
      return { ok: true, key, compacted: true, result };
    } catch (error) {
      const reason = this.reasonOf(error, work.signal);
      return { ok: false, key, compacted: false, reason };
    } finally {
      work.end();
    }
  }

  /**
   * Sums up what a turn at work cannot give to its model whole. Nothing is lost when it fails: the transcript stays as it
   * is, and the turn goes on with what fits.
   * @param most tokens that the messages kept as they are may have
   * @returns whether the context is another one now
   */
  async duringRun(key: string, work: { runId: string; signal: AbortSignal }, most: number): Promise<boolean> {
    try {
      await this.sumUp(key, work, undefined, most);
      return true;
    } catch (error) {
      work.signal.throwIfAborted();
      if (!(error instanceof NotCompacted)) this.reasonOf(error, work.signal);
      return false;
    }
  }

  private async sumUp(
    key: string,
    work: { runId: string; signal: AbortSignal },
    focus: string | undefined,
    most = Number.POSITIVE_INFINITY,
  ) {
    const { sessions, config } = this.options;
    const state = await sessions.find(key);
    const context = await sessions.recent(key, LIMITS.contextMessages);
    if (!state || context.length === 0) throw new NotCompacted("Nothing to compact (session too small)");
    if (await isCompacted(sessions, state.sessionId)) throw new NotCompacted("Already compacted");
    const { keepRecentTokens } = config.current.agents?.defaults?.compaction ?? {};
    const cut = cutContext(context, Math.min(keepRecentTokens ?? KEEP_RECENT_TOKENS, most));
    if (cut === null) throw new NotCompacted("Nothing to compact (session too small)");

    const tell = this.teller(key, state.agentId);
    tell({ phase: "start" });
    let told = false;
    try {
      const summary = await this.summary(cut, await this.modelsFor(key), { ...work, state }, focus);
      work.signal.throwIfAborted();
      const facts = { summary, firstKeptId: cut.kept[0]!.id, runId: work.runId };
      const tokensAfter = textTokens(summary) + tokensOf(cut.kept);
      const compaction = { ...facts, tokensBefore: tokensBefore(context), tokensAfter };
      const seen = { sessionId: state.sessionId, newestId: context.at(-1)!.id };
      told = await storeCompaction(sessions, key, seen, compaction, () => tell({ phase: "end", completed: true }));
      if (!told) throw new NotCompacted("The session changed meanwhile");
      return {
        summary,
        firstKeptEntryId: facts.firstKeptId,
        tokensBefore: compaction.tokensBefore,
        details: { readFiles: [], modifiedFiles: [] },
      };
    } catch (error) {
      if (!told) tell({ phase: "end", completed: false, reason: this.reasonOf(error, work.signal) });
      throw error;
    }
  }

  /** The models to ask: the one that is set up for this alone, else those of the session's turns. */
  private async modelsFor(key: string): Promise<ResolvedModel[]> {
    const { sessions, models, agents, config } = this.options;
    const named = config.current.agents?.defaults?.compaction?.model;
    const own = named ? await models.resolve(named) : null;
    if (own) return [own];
    if (named) throw new NotCompacted(`The model ${named} for compaction does not exist`);
    const { candidates } = await chooseModels(models, agents, (await sessions.find(key))!, {});
    if (candidates.length === 0) throw new NotCompacted("No model is set up that could write a summary");
    return candidates;
  }

  /** Asks for a summary of the older part, stretch by stretch where it is longer than a model takes. */
  private async summary(
    { earlier, older }: Cut,
    candidates: readonly ResolvedModel[],
    { signal, runId, state }: { signal: AbortSignal; runId: string; state: SessionState },
    focus: string | undefined,
  ): Promise<string> {
    const { defender, budgets } = this.options;
    const { agentId, key: sessionKey, sessionId } = state;
    const budget = { left: LIMITS.modelCallsPerRun };
    let summary = earlier;
    for (const conversation of stretches(older, candidates)) {
      const content = summaryRequest(summary, conversation, focus);
      const asked = { system: SUMMARY_SYSTEM, messages: [{ role: "user" as const, content }] };
      const promptTokens = () => promptTokensOf(asked);
      let spending: Admission | undefined;
      const answered = await answer(
        this.options,
        {
          ...asked,
          candidates,
          signal,
          caller: { agentId, sessionKey, sessionId },
          beforeCall: async ({ cost }) => {
            spending?.release();
            const call = { agentId, sessionKey, sessionId, runId, kind: "compaction", promptTokens, cost } as const;
            spending = await budgets.admit(call);
            return spending.maxTokens === undefined ? {} : { maxTokens: spending.maxTokens };
          },
          mask: () => defender.stream(),
          onCall: () => {},
          onText: () => {},
          onFallback: () => {},
        },
        budget,
      ).catch((error) => {
        spending?.release();
        throw error;
      });
      await spending?.spent(answered.usage);
      summary = answered.text.trim();
      if (summary === "") throw new NotCompacted("The model wrote no summary");
    }
    return clip(summary!, LIMITS.compactionSummaryChars);
  }

  private teller(sessionKey: string, agentId: string) {
    const { bus, clock } = this.options;
    const operation = { operationId: uuid(), operation: "compact" as const };
    return (facts: { phase: "start" | "end"; completed?: boolean; reason?: string }): void =>
      bus.publish("session.operation", { ...operation, ...facts, sessionKey, agentId, ts: clock.now() });
  }

  private reasonOf(error: unknown, signal: AbortSignal): string {
    if (signal.aborted || error instanceof RunStopped) return "Compaction was cancelled";
    if (error instanceof NotCompacted) return error.message;
    this.options.log.warn("a session could not be summed up", { error });
    return error instanceof Error ? `Compaction failed: ${error.message}` : "Compaction failed";
  }
}

/** Characters that a token has at least, so that a stretch fits for sure. */
const CHARS_PER_TOKEN = 2;

/** The messages as texts of which each fits what the smallest of the models takes beside its answer. */
function stretches(messages: readonly StoredMessage[], candidates: readonly ResolvedModel[]): string[] {
  const windows = candidates.map(
    ({ contextWindow, maxTokens }) => contextWindow - Math.min(maxTokens, contextWindow / 2),
  );
  const most = Math.max(1000, Math.min(...windows) * CHARS_PER_TOKEN - LIMITS.compactionSummaryChars);
  const texts: string[] = [];
  for (const text of messages.map((message) => clip(asText(message), most))) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + text.length + 2 <= most) texts[texts.length - 1] = `${last}\n\n${text}`;
    else texts.push(text);
  }
  return texts;
}

const tokensOf = (messages: readonly StoredMessage[]): number =>
  messages.reduce((sum, { content }) => sum + contentTokens(content), 0);

/** What the newest answer was counted at, else an estimate. */
function tokensBefore(context: readonly StoredMessage[]): number {
  const counted = context.findLast(({ usage }) => (usage?.totalTokens ?? 0) > 0);
  return counted?.usage?.totalTokens ?? tokensOf(context);
}
