import { createHash } from "node:crypto";
import type { Models } from "../../models/models.ts";
import type { ResolvedModel } from "../../models/types.ts";
import type { Usage } from "../../sessions/types.ts";
import type { Tool } from "../../tools/types.ts";
import type { TurnContext } from "../context/turn-context.ts";
import type { Answer } from "./answer.ts";
import type { AgentRunResult, TerminalReceipt } from "./types.ts";

/** What is known when a turn has ended with an answer. */
export interface TurnFacts {
  runId: string;
  sessionId: string;
  sessionKey: string;
  startedAt: number;
  endedAt: number;
  thinking: string;
  /** What the model was asked by the person. */
  prompt: string;
  requested: ResolvedModel;
  /** The calls that succeeded, in order; at least one. */
  answers: readonly Answer[];
  /** Names of the tools that were used with success, in the order of their first use. */
  usedTools: readonly string[];
  /** What the model was offered. */
  tools: readonly Tool[];
  /** In words, when the last tool call failed. */
  lastFailure?: string;
  /** Whether a tool has ended the turn, after which nothing was said. */
  hasEnded: boolean;
  /** Models that were asked in vain before. */
  failed: readonly { model: ResolvedModel; reason: string }[];
  context: TurnContext;
  credential: CredentialSource;
}

/** Where the key of the call came from. */
export interface CredentialSource {
  kind: "direct" | "none";
  evidence: "provider-config" | "environment";
  authorization: "declared" | "none";
}

/** Where the key of a model's provider comes from, as things are. */
export function credentialSource(models: Models, { provider }: ResolvedModel): CredentialSource {
  const entry = models.providers().get(provider);
  if (!entry || models.credential(entry).kind !== "key") {
    return { kind: "none", evidence: "provider-config", authorization: "none" };
  }
  const evidence = entry.configured ? "provider-config" : "environment";
  return { kind: "direct", evidence, authorization: "declared" };
}

export function receiptOf({ runId, sessionId, requested, answers, usedTools }: TurnFacts): TerminalReceipt {
  const { provider, id: model } = answers.at(-1)!.model;
  return {
    runId,
    sessionId,
    turnId: runId,
    requested: { provider: requested.provider, model: requested.id },
    effective: { provider, model, responseModel: model },
    successfulToolNames: [...usedTools],
    rerouted: provider !== requested.provider || model !== requested.id,
  };
}

/** Adds up what several calls used. */
export function totalUsage(answers: readonly Answer[]): Usage {
  const sum = (pick: (usage: Usage) => number) => answers.reduce((total, { usage }) => total + pick(usage), 0);
  return {
    input: sum(({ input }) => input),
    output: sum(({ output }) => output),
    totalTokens: sum(({ totalTokens }) => totalTokens),
    cacheRead: sum(({ cacheRead }) => cacheRead),
    cacheWrite: sum(({ cacheWrite }) => cacheWrite),
    cost: {
      input: sum(({ cost }) => cost.input),
      output: sum(({ cost }) => cost.output),
      cacheRead: sum(({ cost }) => cost.cacheRead),
      cacheWrite: sum(({ cost }) => cost.cacheWrite),
      total: sum(({ cost }) => cost.total),
    },
  };
}

/** Tokens that the last call's prompt had: how full the context is. */
export const promptTokens = ({ input, cacheRead, cacheWrite }: Usage): number => input + cacheRead + cacheWrite;

/** The `result` of the `agent` method, every figure as measured or estimated here (BEHAVIOUR section 8). */
export function agentResult(facts: TurnFacts): AgentRunResult {
  const last = facts.answers.at(-1)!;
  const { text, model } = last;
  const total = totalUsage(facts.answers);
  const stopReason = last.stopReason === "length" ? "length" : "stop";
  return {
    payloads: text === "" ? [] : [{ text, mediaUrl: null }],
    meta: {
      durationMs: facts.endedAt - facts.startedAt,
      agentMeta: {
        sessionId: facts.sessionId,
        sessionFile: facts.sessionKey,
        provider: model.provider,
        model: model.id,
        contextTokens: model.contextWindow,
        contextTokensSource: "resolved",
        agentHarnessId: "openclaw",
        credentialSource: facts.credential,
        usage: shortUsage(total),
        lastCallUsage: shortUsage(last.usage),
        promptTokens: promptTokens(last.usage),
        contextBudgetStatus: budgetStatus(facts, model),
        codeModeEngaged: false,
        assistantTurns: facts.answers.length,
        bridgeCalls: { search: 0, describe: 0, call: 0 },
        costUsd: total.cost.total,
        terminalReceipt: receiptOf(facts),
      },
      aborted: false,
      systemPromptReport: promptReport(facts, model),
      finalPromptText: facts.prompt,
      finalAssistantVisibleText: text,
      finalAssistantRawText: text,
      replayInvalid: false,
      livenessState: "working",
      stopReason,
      executionTrace: {
        winnerProvider: model.provider,
        winnerModel: model.id,
        attempts: [
          ...facts.failed.map(({ model: { provider, id }, reason }) => ({
            provider,
            model: id,
            result: "error",
            reason,
            stage: "assistant",
          })),
          { provider: model.provider, model: model.id, result: "success", stage: "assistant" },
        ],
        fallbackUsed: facts.failed.length > 0,
        runner: "embedded",
      },
      requestShaping: { thinking: facts.thinking },
      completion: { stopReason, finishReason: stopReason },
    },
    sourceReplyDeliveryState: "missing",
  };
}

const shortUsage = ({ input, output, cacheRead, cacheWrite, totalTokens, cost }: Usage) => ({
  input,
  output,
  cacheRead,
  cacheWrite,
  total: totalTokens,
  cost: { total: cost.total },
});

/** How the prompt filled the model's context. */
export function budgetStatus(
  { context, endedAt, sessionId }: TurnFacts,
  { provider, id, contextWindow }: ResolvedModel,
) {
  const { promptTokens: estimated, reserve, leftOut, messages } = context;
  const before = contextWindow - reserve;
  // The message that is asked about is not part of the history.
  const history = Math.max(0, messages.length - 1);
  return {
    schemaVersion: 1,
    source: "pre-prompt-estimate",
    updatedAt: endedAt,
    provider,
    model: id,
    route: estimated <= before ? "fits" : "overflows",
    shouldCompact: leftOut > 0,
    estimatedPromptTokens: estimated,
    contextTokenBudget: contextWindow,
    promptBudgetBeforeReserve: before,
    reserveTokens: reserve,
    effectiveReserveTokens: reserve,
    remainingPromptBudgetTokens: Math.max(0, before - estimated),
    overflowTokens: Math.max(0, estimated - before),
    toolResultReducibleChars: 0,
    messageCount: history,
    unwindowedMessageCount: history + leftOut,
    sessionId,
  };
}

function promptReport(facts: TurnFacts, { provider, id }: ResolvedModel) {
  const { context, sessionId, sessionKey, endedAt } = facts;
  const { files, bounds, system, projectChars } = context;
  const truncated = files.filter((file) => file.truncated).length;
  const near = files.filter((file) => !file.truncated && file.rawChars > bounds.perFile * 0.9).length;
  const injected = files.reduce((sum, { text }) => sum + text.length, 0);
  return {
    source: "run",
    generatedAt: endedAt,
    sessionId,
    sessionKey,
    provider,
    model: id,
    workspaceDir: context.workspace,
    bootstrapMaxChars: bounds.perFile,
    bootstrapTotalMaxChars: bounds.total,
    bootstrapTruncation: {
      warningMode: "always",
      warningShown: truncated > 0,
      truncatedFiles: truncated,
      nearLimitFiles: near,
      totalNearLimit: injected > bounds.total * 0.9,
    },
    sandbox: { mode: "off", sandboxed: false },
    systemPrompt: {
      chars: system.length,
      hash: sha256(system),
      projectContextChars: projectChars,
      nonProjectContextChars: system.length - projectChars,
    },
    injectedWorkspaceFiles: files.map(({ name, path, rawChars, text, truncated: cut }) => ({
      name,
      path,
      missing: false,
      rawChars,
      injectedChars: text.length,
      truncated: cut,
    })),
    skills: { promptChars: 0, hash: sha256(""), entries: [] },
    tools: toolsReport(facts.tools),
    currentTurn: { promptChars: facts.prompt.length, runtimeContextChars: 0, modelOnlyPromptChars: 0 },
  };
}

function toolsReport(tools: readonly Tool[]) {
  const entries = tools.map(({ name, description, parameters }) => ({
    name,
    summaryChars: description.length,
    summaryHash: sha256(description),
    schemaChars: JSON.stringify(parameters).length,
    schemaHash: sha256(JSON.stringify(parameters)),
    propertiesCount: Object.keys((parameters.properties ?? {}) as object).length,
  }));
  const sum = (pick: (entry: (typeof entries)[number]) => number) =>
    entries.reduce((total, entry) => total + pick(entry), 0);
  return {
    listChars: sum(({ summaryChars }) => summaryChars),
    schemaChars: sum(({ schemaChars }) => schemaChars),
    entries,
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
