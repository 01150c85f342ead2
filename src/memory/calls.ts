import type { DoctorMemoryStatusResult, DreamDiaryParams, MemorySearchResult } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { invalidRequest } from "../platform/errors.ts";
import { hitOf } from "./hits.ts";
import { type Memory, MemoryUnavailable } from "./memory.ts";

/** What clients ask of the memory of agents. */
export class MemoryCalls {
  constructor(
    private readonly deps: { memory: Memory; agents: AgentCatalogue; limits: { embeddingProbeTtlMs: number } },
  ) {}

  /**
   * `memory.search` (checks and their words as measured from 2026.9.6).
   * @throws GatewayError for wrong parameters and unknown agents
   */
  async search(params: unknown, signal: AbortSignal): Promise<MemorySearchResult> {
    const { query, agentId, maxResults, minScore } = (params ?? {}) as Record<string, unknown>;
    if (typeof query !== "string" || query.trim() === "") throw invalidRequest("query must be a non-empty string");
    if (agentId !== undefined && typeof agentId !== "string") throw invalidRequest("agentId must be a string");
    if (!isNumber(maxResults) || !isNumber(minScore)) {
      throw invalidRequest("maxResults and minScore must be finite numbers when provided");
    }
    const { agents } = this.deps;
    const agent = agents.find(agentId === undefined ? agents.roster.defaultId : agentId.trim());
    if (!agent) throw invalidRequest("unknown agentId");
    const { memory } = this.deps;
    const most = maxResults === undefined ? undefined : Math.max(1, Math.trunc(maxResults));
    try {
      const found = await memory.search(agent, { query, maxResults: most, minScore, signal });
      return {
        agentId: agent.id,
        provider: found.provider,
        searchMode: found.mode,
        results: found.results.map(hitOf),
        ...(found.isStale ? { stale: true, warning: STALE } : {}),
      };
    } catch (error) {
      if (!(error instanceof MemoryUnavailable)) throw error;
      const { provider } = memory.settings(agent);
      return { agentId: agent.id, provider, searchMode: "hybrid", results: [], warning: error.message };
    }
  }

  /**
   * `doctor.memory.status`: who gives vectors, and whether it works, as far as somebody has looked (`probe`, `deep`).
   * Nothing is consolidated at night, and nothing is said of it.
   * @throws GatewayError `unknown agent id "x"`
   */
  async status(params: DreamDiaryParams): Promise<DoctorMemoryStatusResult> {
    const { agentId, probe, deep } = params as { agentId?: string; probe?: unknown; deep?: unknown };
    const { agents } = this.deps;
    const agent = agents.find(agentId?.trim() || agents.roster.defaultId);
    if (!agent) throw invalidRequest(`unknown agent id "${agentId}"`);
    const asked = await this.deps.memory.readiness(agent, probe === true || deep === true);
    if (asked.missing !== undefined) {
      return { agentId: agent.id, embedding: { ok: false, error: `gateway memory probe failed: ${asked.missing}` } };
    }
    const base = { agentId: agent.id, provider: asked.settings.provider };
    if (asked.fresh) {
      const { ok, error } = asked.fresh;
      return { ...base, embedding: { ok, ...(error === undefined ? {} : { error }) } };
    }
    if (!asked.probe) return { ...base, embedding: { ok: false, checked: false, error: NOT_CHECKED } };
    const { checkedAtMs, of: _of, ...known } = asked.probe;
    const cacheExpiresAtMs = checkedAtMs + this.deps.limits.embeddingProbeTtlMs;
    return { ...base, embedding: { ...known, checked: true, cached: true, checkedAtMs, cacheExpiresAtMs } };
  }
}

/** Upstream's words. */
const NOT_CHECKED = "memory embedding readiness not checked; run `openclaw memory status --deep` to probe";
export const STALE = "The memory index is still being brought up to date. Search results may be incomplete.";

const isNumber = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === "number" && Number.isFinite(value));
