import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import type { SessionsSearchHit, SessionsSearchParams, SessionsSearchResult } from "../../generated/types.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";
import { invalidRequest } from "../platform/errors.ts";
import { wordsOf } from "../platform/words.ts";
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
}

interface Hit extends HitRow {
  text: string;
  score: number;
}

/** Searches what was said, in the full-text index beside the messages. */
export class SearchRepository {
  constructor(private readonly store: Store) {}

  /** The best hits first, newer ones first among equals; of very many only the newest are weighed. */
  find(query: SearchQuery): Promise<{ hits: Hit[]; isWhole: boolean }> {
    return this.store.read((db) => findHits(db, query));
  }
}

/**
 * `sessions.search` as clients may ask for it: they name sessions when they name an agent (measured on 2026.9.6).
 * @throws GatewayError as {@link searchTranscripts}, and for an agent without sessions
 */
export function searchSessions(sessions: Sessions, params: SessionsSearchParams): Promise<SessionsSearchResult> {
  const { query, agentId, sessionKeys } = params;
  if (query.trim() !== "" && agentId !== undefined && sessionKeys === undefined) {
    if (normalAgentId(agentId) === "") throw invalidRequest(`Unknown agent id "${agentId}"`);
    if (sessions.agents.find(agentId)) throw invalidRequest("agentId requires sessionKeys");
  }
  return searchTranscripts(sessions, params);
}

/**
 * Finds what people and assistants said, in every transcript of the sessions that exist (docs:
 * concepts/session-search). All words must occur in a message, in any order and case, with or without accents.
 * @throws GatewayError for a blank query and for keys of another agent
 */
export async function searchTranscripts(
  sessions: Sessions,
  params: SessionsSearchParams,
): Promise<SessionsSearchResult> {
  const words = params.query.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw invalidRequest("query must not be empty");
  const agentId = params.agentId === undefined ? undefined : normalAgentId(params.agentId);
  const isKnown = agentId === undefined || sessions.agents.find(agentId) !== null;
  const keys = params.sessionKeys?.map((key) => sessions.canonicalKey(key, isKnown ? agentId : undefined));
  const limit = params.limit ?? DEFAULT_HITS;
  const { hits, isWhole } = await sessions.search.find({
    words: words.slice(0, LIMITS.searchWords),
    agentId,
    keys,
    limit,
  });
  return { results: hits.map((hit) => hitOf(hit, words)), ...(isWhole ? {} : { truncated: true }) };
}

function hitOf(
  { session_key, session_id, id, role, recorded_at, text, score }: Hit,
  words: string[],
): SessionsSearchHit {
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

function findHits(db: Database, query: SearchQuery): { hits: Hit[]; isWhole: boolean } {
  const sql = `SELECT session_key, session_id, messages.id, messages.role, messages.recorded_at, messages.body
    FROM messages JOIN transcripts ON transcripts.id = messages.transcript
    WHERE messages.transcript = ? AND messages.seq = ?`;
  const read = db.query<HitRow, [number, number]>(sql);
  const rows = new Map<string, HitRow>();
  // A message that a fork has copied is one hit, in the newest transcript that has it.
  for (const place of candidates(db, query)) {
    const row = read.get(Math.floor(place / PLACES), place % PLACES);
    if (row && !rows.has(row.id)) rows.set(row.id, row);
  }
  const found = [...rows.values()].map((row) => ({ ...row, text: textOf(JSON.parse(row.body) as TranscriptRecord) }));
  const scores = relevance(
    found.map(({ text }) => text),
    query.words,
  );
  const hits = found.map((row, at) => ({ ...row, score: scores[at]! }));
  // Sorting keeps the order of equals, which is from the newest place on.
  hits.sort((a, b) => b.score - a.score || b.recorded_at - a.recorded_at);
  return { hits: hits.slice(0, query.limit), isWhole: hits.length <= query.limit };
}

/** Places of one transcript in the index. */
const PLACES = 2 ** 32;

/**
 * Places of the newest messages that hold all words, newest first. The index tells a word's places in order, so that the
 * newest are found at once, however common it is. The index's own rank is not asked for: it goes through all places.
 */
function candidates(db: Database, { words, agentId, keys }: SearchQuery): number[] {
  const match = words.map(quoted).join(" ");
  const conditions = [
    ...(agentId === undefined ? [] : ["AND sessions.agent_id = $agentId"]),
    ...(keys === undefined ? [] : ["AND sessions.key IN (SELECT value FROM json_each($keys))"]),
  ].join(" ");
  const filter: Filter = {
    ...(agentId === undefined ? {} : { agentId }),
    ...(keys === undefined ? {} : { keys: JSON.stringify(keys) }),
  };
  const isNarrowed = conditions !== "";
  if (isNarrowed) {
    const few = transcriptsOf(db, conditions, filter);
    if (few.length < LIMITS.searchTranscripts)
      return inside(
        db,
        match,
        few.sort((a, b) => b - a),
      );
  }
  const wanted = db.query(
    `SELECT 1 FROM transcripts JOIN sessions ON sessions.key = transcripts.session_key
     WHERE transcripts.id = $id ${conditions}`,
  );
  const known = new Map<number, boolean>();
  const isWanted = (id: number): boolean => {
    const is = known.get(id) ?? wanted.get({ id, ...filter }) !== null;
    known.set(id, is);
    return is;
  };
  const accepted: number[] = [];
  let scanned = 0;
  for (const place of placesIn(db, match, 0, Number.MAX_SAFE_INTEGER, isNarrowed ? LIMITS.searchScanned : -1)) {
    scanned++;
    if (isWanted(Math.floor(place / PLACES))) accepted.push(place);
    if (accepted.length === LIMITS.searchWeighed) return accepted;
  }
  if (!isNarrowed || scanned < LIMITS.searchScanned) return accepted;
  // A common word, but few of its newest places are in what is searched: that is looked through by itself.
  return inside(db, match, transcriptsOf(db, `${conditions} ORDER BY transcripts.id DESC`, filter));
}

type Filter = Record<string, string>;

/** Transcripts of the sessions that are searched, up to {@link LIMITS.searchTranscripts}. */
function transcriptsOf(db: Database, conditions: string, filter: Filter): number[] {
  const sql = `SELECT transcripts.id FROM sessions JOIN transcripts ON transcripts.session_key = sessions.key
    WHERE true ${conditions} LIMIT $most`;
  const query = db.query<{ id: number }, [Record<string, string | number>]>(sql);
  return query.all({ ...filter, most: LIMITS.searchTranscripts }).map(({ id }) => id);
}

/** Places in these transcripts, one after the other. */
function inside(db: Database, match: string, transcripts: readonly number[]): number[] {
  const found: number[] = [];
  for (const id of transcripts) {
    const left = LIMITS.searchWeighed - found.length;
    if (left > 0) found.push(...placesIn(db, match, id * PLACES, (id + 1) * PLACES - 1, left));
  }
  return found;
}

function* placesIn(db: Database, match: string, from: number, to: number, most: number): Generator<number> {
  const sql = `SELECT rowid AS place FROM message_search WHERE message_search MATCH ? AND rowid BETWEEN ? AND ?
    ORDER BY rowid DESC LIMIT ?`;
  const query = db.query<{ place: number }, [string, number, number, number]>(sql);
  for (const { place } of query.iterate(match, from, to, most)) yield place;
}

const SATURATION = 1.2;
const LENGTH_WEIGHT = 0.75;

/**
 * How well each text fits: by how often it holds the words and how short it is, as BM25 counts it. All texts hold all words,
 * so how rare a word is changes nothing in their order and is left out.
 */
function relevance(texts: readonly string[], words: readonly string[]): number[] {
  const spoken = texts.map(wordsOf);
  const average = spoken.reduce((sum, { length }) => sum + length, 0) / Math.max(1, spoken.length);
  const phrases = words.map((word) => asPhrase(wordsOf(word))).filter((phrase) => phrase.trim() !== "");
  return spoken.map((said) => {
    const text = asPhrase(said);
    const norm = SATURATION * (1 - LENGTH_WEIGHT + (LENGTH_WEIGHT * said.length) / average);
    return phrases.reduce((sum, phrase) => {
      const often = Math.max(1, occurrences(text, phrase));
      return sum + (often * (SATURATION + 1)) / (often + norm);
    }, 0);
  });
}

const asPhrase = (said: readonly string[]): string => ` ${said.join(" ")} `;

function occurrences(text: string, phrase: string): number {
  let count = 0;
  for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + phrase.length - 1)) count++;
  return count;
}

/** A word as the index takes it literally, whatever characters it holds. */
const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;
