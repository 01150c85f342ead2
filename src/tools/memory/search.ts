import type { MemorySearchHit } from "../../../generated/types.ts";
import type { AgentSettings } from "../../agents/roster.ts";
import { STALE } from "../../memory/calls.ts";
import { hitOf } from "../../memory/hits.ts";
import { type Memory, type MemoryFindings, MemoryUnavailable } from "../../memory/memory.ts";
import type { MemorySource } from "../../memory/memory-repository.ts";
import type { RankedChunk } from "../../memory/ranking.ts";
import type { MemorySettings } from "../../memory/settings.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { SessionAccess } from "../sessions/access.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";

export interface SearchDeps {
  memory: Memory;
  sessions: Sessions;
  access: SessionAccess;
  agentOf(agentId: string): AgentSettings;
}

/** There is no wiki, in upstream's words. */
export const NO_WIKI = {
  corpora: [{ corpus: "wiki", outcome: "not-registered" }],
  warning: "Wiki corpus is not registered; results do not cover that requested corpus.",
};

/** `memory_search`: what was written down, by words and meaning (docs: concepts/memory-search). */
export function memorySearchTool(deps: SearchDeps): Tool {
  return {
    name: "memory_search",
    description:
      "Searches MEMORY.md, USER.md, the Markdown files beneath memory/ and other indexed notes by words and meaning, and what was said in sessions where that is indexed. Use it before you answer about earlier work, decisions, dates, people, preferences or plans. corpus: memory or sessions alone. When a result says disabled, stale or warning, tell the user.",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string" },
        maxResults: { type: "integer", minimum: 1 },
        minScore: { type: "number" },
        corpus: { type: "string", enum: ["memory", "wiki", "all", "sessions"] },
      },
      required: ["query"],
      additionalProperties: false,
    },
    run: (args, context) => search(deps, args, context),
  };
}

async function search(deps: SearchDeps, args: Record<string, unknown>, context: ToolContext): Promise<ToolResult> {
  const { query, maxResults, minScore, corpus } = args as {
    query: string;
    maxResults?: number;
    minScore?: number;
    corpus?: "memory" | "wiki" | "all" | "sessions";
  };
  if (query.trim() === "") throw new ToolError("query required");
  const agent = deps.agentOf(context.agentId);
  const settings = deps.memory.settings(agent);
  if (corpus === "wiki") return jsonResult({ results: [], citations: settings.citations, ...NO_WIKI });
  if (corpus === "sessions" && !settings.sources.has("sessions")) return jsonResult(NO_SESSIONS);
  const sources: MemorySource[] | undefined = corpus === "memory" || corpus === "sessions" ? [corpus] : undefined;
  const most = maxResults ?? (corpus === "all" ? MOST_OF_ALL : settings.maxResults);
  try {
    const wish = { query, minScore, sources, signal: context.signal };
    // Some hits may be of sessions out of reach.
    const looksFor = settings.sources.has("sessions") ? most * LOOKED_AT : most;
    const found = await deps.memory.search(agent, { ...wish, maxResults: looksFor });
    const visible = await inReach(deps, found.results, context);
    const results = visible.slice(0, most).map((chunk) => shown(hitOf(chunk), settings, context));
    return jsonResult({ results, ...facts(found, settings, results.length), ...(corpus === "all" ? OF_ALL : {}) });
  } catch (error) {
    if (!(error instanceof MemoryUnavailable)) throw error;
    return jsonResult(unavailable(error.message));
  }
}

/** Upstream's number of results of all corpora. */
const MOST_OF_ALL = 10;
/** Hits that are looked at for each that is wanted. */
const LOOKED_AT = 5;

const OF_ALL = { ...NO_WIKI, corpora: [{ corpus: "memory", outcome: "ok" }, ...NO_WIKI.corpora] };

function facts(found: MemoryFindings, { citations }: MemorySettings, hits: number): Record<string, unknown> {
  const { provider, model, degraded, isStale, mode } = found;
  const bootstrap = degraded && { ok: false, ...degraded, degradedTo: "keyword-only" };
  return {
    provider,
    ...(model ? { model } : {}),
    citations,
    ...(isStale ? { stale: true, warning: STALE } : {}),
    debug: {
      backend: "builtin",
      effectiveMode: mode,
      hits,
      ...(bootstrap ? { embeddingBootstrap: bootstrap } : {}),
    },
  };
}

async function inReach(
  { sessions, access }: SearchDeps,
  found: readonly RankedChunk[],
  context: ToolContext,
): Promise<RankedChunk[]> {
  const keys = [...new Set(found.flatMap(({ sessionKey }) => sessionKey ?? []))];
  if (keys.length === 0) return [...found];
  const visible = new Set<string>();
  for (const session of await sessions.repository.findMany(keys)) {
    if (await access.sees(context, session)) visible.add(session.key);
  }
  return found.filter(({ sessionKey }) => sessionKey === null || visible.has(sessionKey));
}

/** A hit with where it stands, which its text names too unless the conversation is one of many people. */
function shown(hit: MemorySearchHit, { citations }: MemorySettings, { sessionKey }: ToolContext): object {
  const lines = hit.startLine === hit.endLine ? `L${hit.startLine}` : `L${hit.startLine}-L${hit.endLine}`;
  const citation = `${hit.path}#${lines}`;
  const isShared = /^agent:[^:]+:[^:]+:(?:group|channel):/.test(sessionKey);
  const names = citations === "on" || (citations === "auto" && !isShared);
  const snippet = names ? `${hit.snippet.trimEnd()}\n\nSource: ${citation}` : hit.snippet;
  return { ...hit, snippet, corpus: hit.source, ...(names ? { citation } : {}) };
}

function unavailable(error: string): Record<string, unknown> {
  const told = {
    error,
    warning: "Memory search is unavailable: the embedding provider that is configured does not work.",
    action:
      'Tell the user. The operator can mend memory.search.provider, or set it to "none" to search by words alone.',
  };
  return { results: [], disabled: true, unavailable: true, ...told, debug: told };
}

const SESSIONS_OFF = {
  error: "Session transcript search is not enabled.",
  warning: "Session transcript search is unavailable for this agent.",
  action:
    'Use sessions_search if you have it. Otherwise ask the operator to set memory.search.experimental.sessionMemory and to add "sessions" to memory.search.sources.',
};
const NO_SESSIONS = { results: [], disabled: true, unavailable: true, ...SESSIONS_OFF, debug: SESSIONS_OFF };
