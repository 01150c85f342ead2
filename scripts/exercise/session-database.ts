import { join } from "node:path";
import { newEntry, type StoredSession } from "../../src/sessions/entry.ts";
import { previewOf, titleOf } from "../../src/sessions/names.ts";
import { putSession } from "../../src/sessions/session-columns.ts";
import { appendMessages } from "../../src/sessions/transcript-repository.ts";
import type { TranscriptMessage } from "../../src/sessions/types.ts";
import { Store } from "../../src/store/store.ts";

/** A database as years of use leave it. */
export interface SessionDatabase {
  sessions: number;
  messages: number;
  /** Keys of the sessions, the longest first. */
  keys: string[];
  /** A word that stands in most messages, two that stand in one of a hundred, and one that stands in ten. */
  words: { common: string; second: string; middling: string; rare: string };
}

const WORDS = { common: "the", second: "and", middling: "quokka", rare: "xylograph" };
const DAY_MS = 86_400_000;
const BATCH = 100;

/**
 * Fills a new database in a state directory the way the gateway itself writes, but in large transactions. One session has
 * a tenth of all messages, ten have a hundredth each, the rest shares what is left. Nothing depends on chance: two
 * databases of the same figures are the same but for their ids.
 */
export async function fillDatabase(
  stateDir: string,
  { sessions, messages, now }: { sessions: number; messages: number; now: number },
): Promise<SessionDatabase> {
  const store = Store.open(join(stateDir, "chela.sqlite"));
  const { db } = store;
  db.exec("PRAGMA synchronous = OFF");
  const random = sequence(42);
  const keys: string[] = [];
  let left = messages;
  for (let first = 0; first < sessions; first += BATCH) {
    db.transaction(() => {
      for (let n = first; n < Math.min(first + BATCH, sessions); n++) {
        const rest = Math.floor(left / (sessions - n));
        const length = n === sessions - 1 ? left : n === 0 ? messages / 10 : n <= 10 ? messages / 100 : rest;
        left -= Math.floor(length);
        keys.push(addSession(store, n, Math.floor(length), now - n * 60_000, random));
      }
    })();
  }
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const said = db.query<{ n: number }, []>("SELECT count(*) AS n FROM messages").get()!.n;
  await store.close();
  return { sessions, messages: said, keys, words: WORDS };
}

function addSession({ db }: Store, n: number, length: number, updatedAt: number, random: () => number): string {
  const key = n % 10 === 3 ? `agent:main:telegram:group:${n}` : `agent:main:session-${n}`;
  const entry = { ...newEntry(updatedAt, "operator"), createdAt: updatedAt - DAY_MS, lastInteractionAt: updatedAt };
  const named = {
    ...entry,
    ...(n % 7 === 0 ? { label: `Label ${n}` } : {}),
    ...(n % 500 === 5 ? { pinnedAt: updatedAt } : {}),
    ...(n % 20 === 9 ? { archivedAt: updatedAt } : {}),
    ...(n % 10 === 3 ? { chatType: "group" as const, deliveryContext: { channel: "telegram", to: `${n}` } } : {}),
    ...(n % 3 === 0 ? { parentSessionKey: "agent:main:session-1" } : {}),
  };
  const session: StoredSession = {
    key,
    agentId: "main",
    entry: named as StoredSession["entry"],
    title: null,
    preview: null,
  };
  const said = Array.from({ length }, (_, at) => message(n, at, updatedAt - (length - at) * 1000, random));
  const [first, last] = [said[0], said.at(-1)];
  putSession(db, { ...session, title: first ? titleOf(first) : null, preview: last ? previewOf(last) : null });
  if (length > 0) appendMessages(db, { key, sessionId: entry.sessionId, agentId: "main" }, said, updatedAt);
  return key;
}

function message(session: number, at: number, timestamp: number, random: () => number): TranscriptMessage {
  const words = Array.from({ length: 8 + Math.floor(random() * 30) }, () => word(random));
  if (random() < 0.01) words.push(WORDS.middling);
  if (at === 2 && session % 1000 === 7) words.push(WORDS.rare);
  const text = `${random() < 0.9 ? WORDS.common : "a"} ${words.join(" ")}`;
  if (at % 2 === 0) return { role: "user", content: text, timestamp, idempotencyKey: `s${session}-${at}:user` };
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  return {
    role: "assistant",
    content: [{ type: "text", text }],
    timestamp,
    provider: "mock",
    model: "mock-1",
    stopReason: "stop",
    usage: { input: 10, output: 5, totalTokens: 15, cacheRead: 0, cacheWrite: 0, cost },
  };
}

/** Few words are said often and many seldom, as in any language. */
function word(random: () => number): string {
  if (random() < 0.1) return WORDS.second;
  const rank = Math.floor(20_000 ** random());
  return `${SYLLABLES[rank % SYLLABLES.length]}${SYLLABLES[(rank * 7) % SYLLABLES.length]}${rank.toString(36)}`;
}
const SYLLABLES = ["ka", "lo", "mi", "ter", "van", "su", "pe", "dor", "ri", "ne", "shu"];

/** Numbers from 0 to 1 that look like chance and are the same each time. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
