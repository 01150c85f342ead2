import type { Database } from "bun:sqlite";
import { isDeepStrictEqual } from "node:util";
import type { ResolvedModel, SessionsPatchParams, SessionsPatchResult } from "../../generated/types.ts";
import { type GatewayError, invalidRequest } from "../platform/errors.ts";
import { type SessionEntry, type StoredSession, shownEntry } from "./entry.ts";
import { keyFacts, ownableKey } from "./keys.ts";
import { applyModelOverride, chosenModel } from "./model-choice.ts";
import { PATCH_FIELDS } from "./patch-fields.ts";
import { demandFreeLabel } from "./session-columns.ts";
import type { Sessions } from "./sessions.ts";

/** How long a status note is shown when nobody says; upstream's half hour. */
const DEFAULT_NOTE_MINUTES = 30;

/** The refusal of a change that was made for another state of the session than there is now. */
export const sessionChanged = (key: string, before: "patch" | "reset" | "deletion"): GatewayError =>
  invalidRequest(`Session ${key} changed before ${before}. Retry.`, { reason: "session-changed" });

/**
 * `sessions.patch`: changes settings of a session and creates it if need be; null clears a setting. All of it or
 * nothing is stored (BEHAVIOUR section 9).
 * @throws GatewayError for values that cannot be, a label that is taken, or an expectation that does not hold
 */
export async function patchSession(sessions: Sessions, params: SessionsPatchParams): Promise<SessionsPatchResult> {
  const key = ownableKey(sessions.canonicalKey(params.key, params.agentId));
  checkCombination(params);
  let acted = true;
  if (params.archived === true) {
    const known = await sessions.repository.find(key);
    checkExpectations(params, known);
    checkArchivable(sessions, key, params);
    await sessions.runs.abortSession?.(key, "rpc");
  }
  const change = (known: StoredSession | null, db: Database): StoredSession => {
    checkExpectations(params, known);
    const now = sessions.clock.now();
    const base = known ?? sessions.blank(key, now, "operator");
    if (isStaleReadMark(params, base.entry)) {
      acted = false;
      return base;
    }
    const entry: SessionEntry = { ...base.entry, updatedAt: now };
    if (known) entry.delivery ??= { kind: "none" };
    if (params.archived !== undefined) {
      checkArchivable(sessions, key, params);
      applyArchived(entry, params.archived, now);
    }
    if (params.model !== undefined) applyModelOverride(entry, modelRef(sessions, base, params.model));
    applyFields(sessions, { ...base, entry }, params, now);
    applyUnread(entry, params.unread, now);
    applyStatus(entry, params, now);
    demandFreeLabel(db, base.agentId, key, entry.label);
    return { ...base, entry };
  };
  const session = await sessions.repository.update(key, change, (family) => {
    if (acted) sessions.changed(family, "patch");
  });
  const resolved = resolvedModel(sessions, session, { runtime: true, thinking: choosesThinking(params) });
  return { ok: true, path: sessions.path, key, entry: shownEntry(session.entry), resolved };
}

/** The model of a session's next turn, as mutations answer it, on request with what runs it and how it thinks. */
export function resolvedModel(
  sessions: Sessions,
  session: StoredSession,
  { runtime = false, thinking = false } = {},
): ResolvedModel {
  const { modelProvider, model, thinkingLevel, thinkingLevels, thinkingDefault } = sessions.rows().row(session);
  return {
    modelProvider: modelProvider ?? null,
    model: model ?? null,
    ...(runtime ? { agentRuntime: { id: "openclaw", source: "implicit" }, runtimeSelectionLocked: false } : {}),
    ...(thinking ? { thinkingLevel: thinkingLevel ?? thinkingDefault, thinkingLevels } : {}),
  };
}

const choosesThinking = ({ model, thinkingLevel }: SessionsPatchParams): boolean =>
  typeof model === "string" || typeof thinkingLevel === "string";

/** Expectations and the changes they guard must come together. */
function checkCombination(params: SessionsPatchParams): void {
  if (params.execSecurity !== undefined || params.execAsk !== undefined) {
    throw invalidRequest(
      "execSecurity/execAsk are retired; set permissionMode (read-only|guarded|workspace|full) instead, or use /exec for this run only.",
    );
  }
  if (params.expectedPermissionMode !== undefined && params.permissionMode === undefined) {
    throw invalidRequest("expectedPermissionMode requires a permissionMode replacement.");
  }
  if (params.expectedToolOverrides !== undefined && params.toolOverrides === undefined) {
    throw invalidRequest("expectedToolOverrides requires a toolOverrides replacement.");
  }
  if (params.expectedMarkedUnreadAt !== undefined && !isOnlyReadMark(params)) {
    throw invalidRequest("expectedMarkedUnreadAt requires unread=false as the only mutation.");
  }
}

function isOnlyReadMark(params: SessionsPatchParams): boolean {
  const changes = Object.keys(params).filter((name) => !/^(key|agentId|expected.*)$/.test(name));
  return params.unread === false && changes.length === 1;
}

function checkExpectations(params: SessionsPatchParams, known: StoredSession | null): void {
  const { expectedSessionId, expectedLifecycleRevision, expectedPermissionMode, expectedToolOverrides } = params;
  const entry = known?.entry;
  const fits =
    (expectedSessionId === undefined || entry?.sessionId === expectedSessionId) &&
    (expectedLifecycleRevision === undefined || entry?.lifecycleRevision === expectedLifecycleRevision) &&
    (expectedPermissionMode === undefined || (entry?.permissionMode ?? null) === expectedPermissionMode) &&
    (expectedToolOverrides === undefined || isDeepStrictEqual(entry?.toolOverrides ?? null, expectedToolOverrides));
  if (!fits) throw sessionChanged(params.key, "patch");
}

/** True for an automatic read mark that was meant for another unread mark than there is: it changes nothing. */
function isStaleReadMark({ expectedMarkedUnreadAt: expected }: SessionsPatchParams, entry: SessionEntry): boolean {
  return expected !== undefined && (entry.markedUnreadAt ?? null) !== expected;
}

/** @throws GatewayError when the session may not be archived or restored like this */
function checkArchivable(sessions: Sessions, key: string, { archived, expectedSessionId }: SessionsPatchParams): void {
  if (expectedSessionId === undefined) {
    throw invalidRequest(`expectedSessionId required for session lifecycle patch: ${key}`);
  }
  if (!archived) return;
  const { roster } = sessions.agents;
  if (keyFacts(key, roster).isMain || (key === "global" && roster.scope === "global")) {
    throw invalidRequest("Cannot archive an agent's main session.");
  }
  if (key === "unknown") throw invalidRequest("Cannot archive the unknown session.");
}

function applyArchived(entry: SessionEntry, archived: boolean, now: number): void {
  if (archived) {
    entry.archivedAt ??= now;
    entry.archiveReason ??= "manual";
  } else {
    delete entry.archivedAt;
    delete entry.archiveReason;
  }
}

function modelRef(sessions: Sessions, session: StoredSession, wanted: string | null): string | null {
  if (wanted === null) return null;
  return chosenModel(sessions, wanted, session.agentId);
}

function applyFields(sessions: Sessions, session: StoredSession, params: SessionsPatchParams, now: number): void {
  const { key, entry } = session;
  const model = sessions.rows().model(session);
  const thinking = sessions.models.thinking(model, sessions.agents.find(session.agentId)?.thinkingDefault);
  const context = { key, entry, now, roster: sessions.agents.roster, model, thinking };
  const record = entry as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(params)) {
    const field = PATCH_FIELDS[name];
    if (!field || value === undefined) continue;
    const stored = value === null ? undefined : field.check(value, context, name);
    if (stored === undefined) delete record[field.as ?? name];
    else record[field.as ?? name] = stored;
  }
  // A level that the chosen model has not would make every turn of the session fail.
  if (entry.thinkingLevel !== undefined && !thinking.thinkingOptions.includes(entry.thinkingLevel)) {
    delete entry.thinkingLevel;
  }
}

function applyUnread(entry: SessionEntry, unread: boolean | undefined, now: number): void {
  if (unread === true) entry.markedUnreadAt = now;
  else if (unread === false) {
    entry.lastReadAt = now;
    delete entry.markedUnreadAt;
  }
}

function applyStatus(
  entry: SessionEntry,
  { statusNote, attention, ttlMinutes }: SessionsPatchParams,
  now: number,
): void {
  if (statusNote === undefined && attention === undefined && ttlMinutes === undefined) return;
  const note = typeof statusNote === "string" ? statusNote.replace(/\s+/g, " ").trim() : statusNote;
  const clears = statusNote === null || attention === null;
  if (clears && (note || attention || ttlMinutes !== undefined)) {
    throw invalidRequest("cannot clear and set agent status in the same patch");
  }
  if (clears) {
    delete entry.agentStatus;
    return;
  }
  const known = entry.agentStatus && entry.agentStatus.expiresAt > now ? entry.agentStatus : undefined;
  const shown = note === undefined ? known?.note : note || undefined;
  if (shown === undefined) throw invalidRequest("statusNote required before setting attention or ttlMinutes");
  const mark = attention ?? known?.attention;
  const minutes = ttlMinutes ?? DEFAULT_NOTE_MINUTES;
  entry.agentStatus = { note: shown, expiresAt: now + minutes * 60_000, ...(mark ? { attention: mark } : {}) };
}
