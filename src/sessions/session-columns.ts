import type { Database } from "bun:sqlite";
import { invalidRequest } from "../platform/errors.ts";
import type { SessionEntry, StoredSession } from "./entry.ts";

/** A row as it is stored. */
export interface SessionDbRow {
  key: string;
  agent_id: string;
  title: string | null;
  preview: string | null;
  entry: string;
}

/** The columns that {@link fromRow} needs. */
export const SESSION_COLUMNS = "key, agent_id, title, preview, entry";

/** The session under a canonical key. For use inside a transaction. */
export function findSession(db: Database, key: string): StoredSession | null {
  const sql = `SELECT ${SESSION_COLUMNS} FROM sessions WHERE key = ?`;
  const row = db.query<SessionDbRow, [string]>(sql).get(key);
  return row && fromRow(row);
}

/** @throws GatewayError when another session of the agent bears the label. For use inside a transaction. */
export function demandFreeLabel(db: Database, agentId: string, key: string, label: string | undefined): void {
  if (label === undefined) return;
  const sql = "SELECT key FROM sessions WHERE label = ? AND agent_id = ?";
  const holder = db.query<{ key: string }, [string, string]>(sql).get(label, agentId);
  if (holder && holder.key !== key) throw invalidRequest(`label already in use: ${label}`);
}

/** Writes the whole session. For use inside a transaction. */
export function putSession(db: Database, session: StoredSession): void {
  const columns = columnsOf(session);
  const names = Object.keys(columns);
  const updates = names.filter((name) => name !== "key").map((name) => `${name} = excluded.${name}`);
  db.query(
    `INSERT INTO sessions (${names.join(", ")}) VALUES (${names.map((name) => `$${name}`).join(", ")})
     ON CONFLICT (key) DO UPDATE SET ${updates.join(", ")}`,
  ).run(columns);
  const { category } = session.entry;
  if (category !== undefined) ensureGroup(db, category);
}

/** Makes the group that a session's record names, behind the others, unless it is there. For use inside a transaction. */
function ensureGroup(db: Database, name: string): void {
  db.query(
    `INSERT INTO session_groups (name, position) SELECT ?, coalesce(max(position), -1) + 1 FROM session_groups WHERE true
     ON CONFLICT DO NOTHING`,
  ).run(name);
}

/** The columns of a session: its record, and beside it what lists are filtered and sorted by. */
function columnsOf({ key, agentId, entry, title, preview }: StoredSession) {
  const route = entry.deliveryContext;
  const uuid = /[:]([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/.exec(key)?.[1];
  return {
    key,
    agent_id: agentId,
    session_id: entry.sessionId,
    updated_at: entry.updatedAt,
    last_interaction_at: entry.lastInteractionAt ?? null,
    activity_at: Math.max(entry.lastInteractionAt ?? 0, entry.endedAt ?? 0) || entry.updatedAt,
    archived: Number(entry.archivedAt !== undefined),
    pinned: Number(entry.pinnedAt !== undefined),
    label: entry.label ?? null,
    spawned_by: entry.spawnedBy ?? entry.parentSessionKey ?? null,
    key_uuid: uuid?.replaceAll("-", "") ?? null,
    route_channel: route?.channel ?? null,
    route_to: route?.to ?? null,
    route_account: route?.accountId ?? null,
    title,
    preview,
    search: searchText(key, entry),
    entry: JSON.stringify(entry),
  };
}

/** What a search looks through, in lower case: names, key, group, model of its own. */
function searchText(key: string, entry: SessionEntry): string {
  const { label, displayName, category, sessionId, providerOverride, modelOverride } = entry;
  const words = [key, label, displayName, category, sessionId, providerOverride, modelOverride];
  return words
    .filter((word) => word !== undefined)
    .join("\n")
    .toLowerCase();
}

export const fromRow = ({ key, agent_id, title, preview, entry }: SessionDbRow): StoredSession => ({
  key,
  agentId: agent_id,
  entry: JSON.parse(entry) as SessionEntry,
  title,
  preview,
});
