import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import type { SessionsSearchHit, SessionsSearchParams, SessionsSearchResult } from "../../generated/types.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import { textOf } from "./names.ts";
import type { Sessions } from "./sessions.ts";
import { snippetOf } from "./snippet.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";

/** Upstream's number of hits when nobody says. */
const DEFAULT_HITS = 10;

/** What is searched: every word must occur; absent conditions do not restrict. */
interface SearchQuery {
  words: readonly string[];
  agentId?: string;
  /** Canonical keys. */
  keys?: readonly string[];
  limit: number;
}

interface HitRow {
  session_key: string;
  session_id: string;
  id: string;
  role: "user" | "assistant";
  recorded_at: number;
  body: string;
  score: number;
}

/** Searches what was said, in the full-text index beside the messages. */
export class SearchRepository {
  constructor(private readonly store: Store) {}

  /** The best hits first, newer ones first among equals; of very many only the newest are weighed. */
  find(query: SearchQuery): Promise<HitRow[]> {
    return this.store.read((db) => findHits(db, query));
  }
}

/**
 * `sessions.search`: finds what people and assistants said, in every transcript of the sessions that exist (docs:
 * concepts/session-search). All words must occur in a message, in any order and case, with or without accents.
 * @throws GatewayError for a blank query and for keys of another agent
 */
export async function searchSessions(sessions: Sessions, params: SessionsSearchParams): Promise<SessionsSearchResult> {
  const words = params.query.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw invalidRequest("query must not be empty");
  const agentId = params.agentId === undefined ? undefined : normalAgentId(params.agentId);
  const isKnown = agentId === undefined || sessions.agents.find(agentId) !== null;
  const keys = params.sessionKeys?.map((key) => sessions.canonicalKey(key, isKnown ? agentId : undefined));
  const limit = params.limit ?? DEFAULT_HITS;
  const rows = await sessions.search.find({
    words: words.slice(0, LIMITS.searchWords),
    agentId,
    keys,
    limit: limit + 1,
  });
  return {
    results: rows.slice(0, limit).map((row) => hitOf(row, words)),
    ...(rows.length > limit ? { truncated: true } : {}),
  };
}

function hitOf(
  { session_key, session_id, id, role, recorded_at, body, score }: HitRow,
  words: string[],
): SessionsSearchHit {
  const text = textOf(JSON.parse(body) as TranscriptRecord);
  const snippet = snippetOf(text, words);
  return {
    sessionKey: session_key,
    sessionId: session_id,
    messageId: id,
    role,
    timestamp: recorded_at,
    snippet,
    score,
  };
}

function findHits(db: Database, { words, agentId, keys, limit }: SearchQuery): HitRow[] {
  const conditions = [
    ...(agentId === undefined ? [] : ["AND sessions.agent_id = $agentId"]),
    ...(keys === undefined ? [] : ["AND sessions.key IN (SELECT value FROM json_each($keys))"]),
  ];
  // The index has places in order: bounds spare it most of a common word's list.
  const bounds = keys === undefined ? "" : `AND rowid BETWEEN (${edge("min(id)")}) AND (${edge("max(id) + 1")})`;
  // The rank is the dear part; the inner query ends it after so many of the newest.
  const sql = `
    WITH found AS MATERIALIZED (
      SELECT rowid AS place, -bm25(message_search) AS score FROM message_search
      WHERE message_search MATCH $match ${bounds} AND EXISTS (
        SELECT 1 FROM transcripts JOIN sessions ON sessions.key = transcripts.session_key
        WHERE transcripts.id = message_search.rowid >> 32 ${conditions.join(" ")}
      )
      ORDER BY rowid DESC LIMIT $weighed
    )
    SELECT transcripts.session_key, transcripts.session_id, messages.id, messages.role, messages.recorded_at,
      messages.body, found.score, max(found.place) AS newest
    FROM found
    JOIN transcripts ON transcripts.id = found.place >> 32
    JOIN messages ON messages.transcript = found.place >> 32 AND messages.seq = (found.place & 4294967295)
    GROUP BY messages.id
    ORDER BY found.score DESC, messages.recorded_at DESC, newest DESC LIMIT $limit`;
  return db.query<HitRow, [Record<string, string | number>]>(sql).all({
    match: words.map(quoted).join(" "),
    weighed: LIMITS.searchWeighed,
    limit,
    ...(agentId === undefined ? {} : { agentId }),
    ...(keys === undefined ? {} : { keys: JSON.stringify(keys) }),
  });
}

/** Where the transcripts of the sessions that are searched begin or end in the index. */
const edge = (id: string): string =>
  `SELECT (${id}) << 32 FROM transcripts WHERE session_key IN (SELECT value FROM json_each($keys))`;

/** A word as the index takes it literally, whatever characters it holds. */
const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;
