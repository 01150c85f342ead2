import { LIMITS } from "../../../generated/limits.ts";
import type { StoredSession } from "../../sessions/entry.ts";
import { keyFacts } from "../../sessions/keys.ts";
import { listSessions } from "../../sessions/list.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { jsonResult, type Tool, type ToolContext } from "../types.ts";
import type { SessionAccess } from "./access.ts";
import { shownMessages } from "./shown.ts";

/** An agent sees rows as an administrator's list shows them, less what {@link rowOf} leaves out. */
const VIEWER = { scopes: new Set(["operator.admin"]) };

/** Pages of the inventory that one call looks at, and its longest answer (docs: concepts/session-tool). */
const MOST_PAGES = 5;
const DEFAULT_ROWS = 100;
const MOST_ROWS = 200;
const MOST_CHARS = 60_000;
const MOST_MESSAGES = 20;

const KINDS = ["main", "group", "cron", "hook", "node", "other"];

const PARAMETERS = {
  type: "object",
  properties: {
    limit: { type: "integer", minimum: 1, description: "Rows of one page, 100 unless told and at most 200." },
    offset: { type: "integer", minimum: 0, description: "nextOffset of the page before." },
    kinds: { type: "array", items: { type: "string" }, description: `Some of ${KINDS.join(", ")}.` },
    agentId: { type: "string" },
    label: { type: "string", description: "The whole label." },
    search: { type: "string", description: "Words of its names." },
    archived: { type: ["boolean", "string"], description: 'true: archived ones alone; "all": both.' },
    activeMinutes: { type: "integer", minimum: 1, description: "Changed within so many minutes." },
    activeOnly: { type: "boolean", description: "At work now." },
    excludeSubagents: { type: "boolean" },
    includeDerivedTitles: { type: "boolean" },
    includeLastMessage: { type: "boolean" },
    messageLimit: {
      type: "integer",
      minimum: 0,
      maximum: MOST_MESSAGES,
      description: "Newest messages with each row.",
    },
  },
};

/** `sessions_list`: the sessions within reach, a page at a time, without what was said unless asked for. */
export function sessionsListTool(sessions: Sessions, access: SessionAccess): Tool {
  return {
    name: "sessions_list",
    description:
      "Lists sessions that you may see, pinned and newest first, with key, agent, kind, label, model and state. Page with nextOffset while hasMore is true. Use it to find the session for sessions_history or sessions_send.",
    parameters: PARAMETERS,
    run: (args, context) => list(sessions, access, args, context),
  };
}

async function list(sessions: Sessions, access: SessionAccess, args: Record<string, unknown>, context: ToolContext) {
  const limit = Math.min((args.limit as number | undefined) ?? DEFAULT_ROWS, MOST_ROWS);
  const offset = (args.offset as number | undefined) ?? 0;
  const page = await collect({ sessions, access, args, context }, offset, limit);
  const { visibility } = access.reachOf(context);
  return jsonResult({
    count: page.rows.length,
    sessions: page.rows,
    hasMore: page.hasMore,
    ...(page.hasMore ? { nextOffset: page.offset } : {}),
    limitApplied: limit,
    ...(page.truncationReason ? { truncationReason: page.truncationReason } : {}),
    ...(visibility === "all"
      ? {}
      : { visibility: { mode: visibility, warning: "Sessions outside this reach are left out." } }),
  });
}

interface Listing {
  sessions: Sessions;
  access: SessionAccess;
  args: Record<string, unknown>;
  context: ToolContext;
}

interface CollectedRows {
  rows: Record<string, unknown>[];
  /** Where the next page of the inventory begins. */
  offset: number;
  hasMore: boolean;
  truncationReason?: "scan-limit" | "byte-limit";
}

/** Goes through the inventory until the page is full, too long, or enough was looked at. */
async function collect(listing: Listing, from: number, limit: number): Promise<CollectedRows> {
  const { sessions, args, context } = listing;
  const filter = filterOf(args);
  const rows: Record<string, unknown>[] = [];
  let offset = from;
  let chars = 0;
  for (let page = 0; page < MOST_PAGES; page++) {
    context.signal.throwIfAborted();
    const found = await listSessions(sessions, { ...filter, limit: MOST_ROWS, offset }, VIEWER);
    const stored = await sessions.repository.findMany(found.sessions.map(({ key }) => key));
    const byKey = new Map(stored.map((session) => [session.key, session]));
    for (const row of found.sessions) {
      if (rows.length === limit) return { rows, offset, hasMore: true };
      const session = byKey.get(row.key);
      const shown = session ? await shownRow(listing, session, row) : null;
      chars += shown === null ? 0 : JSON.stringify(shown).length;
      if (chars > MOST_CHARS && rows.length > 0) return { rows, offset, hasMore: true, truncationReason: "byte-limit" };
      if (shown !== null) rows.push(shown);
      offset++;
    }
    if (!found.hasMore) return { rows, offset, hasMore: false };
  }
  return { rows, offset, hasMore: true, truncationReason: "scan-limit" };
}

/** The row of a session, or null when it is of another kind than asked for, or out of reach. */
async function shownRow(
  { sessions, access, args, context }: Listing,
  session: StoredSession,
  row: Record<string, unknown>,
) {
  const kind = kindOf(session.key, sessions);
  const kinds = args.kinds as string[] | undefined;
  if ((kinds !== undefined && !kinds.includes(kind)) || !(await access.sees(context, session))) return null;
  const messages = args.messageLimit ? await newest(sessions, session.key, args.messageLimit as number) : undefined;
  return { ...rowOf(session, row, kind, sessions), ...(messages ? { messages } : {}) };
}

function filterOf({ archived, ...args }: Record<string, unknown>) {
  const { agentId, label, search, activeMinutes, activeOnly, excludeSubagents } = args as Record<string, never>;
  const { includeDerivedTitles, includeLastMessage } = args as Record<string, never>;
  return {
    archived: archived === "all" ? ("all" as const) : archived === true || archived === "true",
    agentId,
    label,
    search,
    activeMinutes,
    activeOnly,
    excludeSubagents,
    includeDerivedTitles,
    includeLastMessage,
  };
}

/** What an agent is told of a session. Routes, costs and paths are not its business. */
function rowOf(session: StoredSession, row: Record<string, unknown>, kind: string, sessions: Sessions) {
  const { channel = "unknown" } = keyFacts(session.key, sessions.agents.roster);
  const named = ["label", "displayName", "derivedTitle", "lastMessagePreview", "parentSessionKey", "category"] as const;
  const facts = [
    "updatedAt",
    "status",
    "model",
    "contextTokens",
    "totalTokens",
    "spawnDepth",
    "childSessions",
  ] as const;
  const given = Object.fromEntries(
    [...named, ...facts].flatMap((name) => (row[name] == null || row[name] === 0 ? [] : [[name, row[name]]])),
  );
  const { category: group, ...rest } = given;
  return {
    key: session.key,
    sessionId: session.entry.sessionId,
    agentId: session.agentId,
    kind,
    channel,
    archived: session.entry.archivedAt !== undefined,
    pinned: session.entry.pinnedAt !== undefined,
    ...(group === undefined ? {} : { group }),
    ...rest,
  };
}

function kindOf(key: string, sessions: Sessions): string {
  const { kind, classification } = keyFacts(key, sessions.agents.roster);
  if (KINDS.includes(classification)) return classification;
  return kind === "group" ? "group" : "other";
}

async function newest(sessions: Sessions, key: string, limit: number) {
  const messages = await sessions.recent(key, Math.min(limit, MOST_MESSAGES, LIMITS.contextMessages));
  return shownMessages(messages, { includeTools: false }).messages;
}
