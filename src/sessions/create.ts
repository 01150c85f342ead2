import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { isAbsolute, relative } from "node:path";
import type { SessionsCreateParams } from "../../generated/types.ts";
import { refOf } from "../models/references.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { stableJson } from "../platform/json.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import type { SessionEntry, StoredSession } from "./entry.ts";
import { keyFacts, knownAgent } from "./keys.ts";
import { applyModelOverride, chosenModel } from "./model-choice.ts";
import { PATCH_FIELDS } from "./patch-fields.ts";
import { keyOfLabel } from "./session-columns.ts";
import type { Sessions } from "./sessions.ts";
import { copyTranscript } from "./transcript-repository.ts";

/** Who creates a session. */
export interface Creator {
  scopes: ReadonlySet<string>;
  deviceId?: string;
}

/** What `sessions.create` made or found. */
export interface Created {
  session: StoredSession;
  /** True when the same request had made it before. */
  replayed: boolean;
}

/**
 * Creates a session, or adopts the one that already has the key: given settings are then applied to it, its origin
 * stays. Of a repeated idempotency key the answer is the session that it made (BEHAVIOUR, Idempotency).
 * @throws GatewayError for settings that cannot be, an unknown parent, or a label that is taken
 */
export async function createSession(
  sessions: Sessions,
  params: SessionsCreateParams,
  creator: Creator,
): Promise<Created> {
  checkParams(params);
  const principal = principalOf(params, creator);
  const { roster } = sessions.agents;
  const agent = params.agentId === undefined ? undefined : knownAgent(params.agentId, roster);
  const named = params.key?.trim();
  const key = named ? sessions.canonicalKey(named, agent) : `${mainKeyOf(sessions, agent).prefix}dashboard:${uuid()}`;
  const agentId = sessions.agentOf(key);
  knownAgent(agentId, roster);
  const root = params.cwd === undefined ? undefined : await workingDirectory(sessions, params.cwd, agentId, creator);
  const parent = await parentOf(sessions, key, params, agent);

  const made = await sessions.repository.create(
    key,
    principal && { ...principal, request: fingerprint(params), now: sessions.clock.now() },
    (known, db) => {
      if (known) checkAdoption(sessions, known, params, creator);
      const now = sessions.clock.now();
      const session = known ?? sessions.blank(key, now, "operator");
      const entry: SessionEntry = { ...session.entry, updatedAt: now };
      if (params.execNode === undefined) entry.sessionRoot = root ?? entry.sessionRoot ?? sessions.workspaceOf(agentId);
      applySettings(sessions, { ...session, entry }, params, now);
      if (entry.label !== undefined) {
        const holder = keyOfLabel(db, agentId, entry.label);
        if (holder !== null && holder !== key) throw invalidRequest(`label already in use: ${entry.label}`);
      }
      entry.delivery ??= { kind: "none" };
      if (!known) {
        if (root !== undefined) entry.spawnedCwd = root;
        if (params.visibility !== undefined) entry.visibility = params.visibility;
        entry.spawnDepth = params.spawnDepth ?? 0;
      }
      if (entry.parentSessionKey === undefined && parent.key !== key) {
        entry.parentSessionKey = parent.key;
        if (parent.session) entry.parentSessionId = parent.session.entry.sessionId;
        if (!known && !params.fork) entry.modelOverrideSource ??= "default";
      }
      let { title, preview } = session;
      if (params.fork && parent.session && !known) {
        const source = parent.session;
        inheritModel(entry, source.entry);
        entry.forkSource = { sessionKey: source.key, sessionId: source.entry.sessionId };
        entry.totalTokensFresh = false;
        entry.forkedFromParent = true;
        copyTranscript(db, source.entry.sessionId, { key, sessionId: entry.sessionId }, now, {
          lastCompleted: params.forkFrom === "last-completed",
        });
        ({ title, preview } = source);
      }
      return { ...session, entry, title, preview };
    },
  );
  if (!made.replayed) await sessions.announce(made.session, "create");
  return made;
}

/** What the params must not say together, and what this gateway cannot do. */
function checkParams(params: SessionsCreateParams): void {
  const { parentSessionKey, fork, forkFrom, worktree } = params;
  if (params.catalogId !== undefined) {
    if (params.key !== undefined) throw invalidRequest("sessions.create catalogId cannot include key");
    throw invalidRequest(`unknown session catalog: ${params.catalogId}`);
  }
  if (params.spawnDepth !== undefined && parentSessionKey === undefined) {
    throw invalidRequest("spawnDepth requires parentSessionKey");
  }
  if (fork && parentSessionKey === undefined) throw invalidRequest("fork requires parentSessionKey");
  if (forkFrom !== undefined && !fork) throw invalidRequest("forkFrom requires fork=true");
  if (params.succeedsParent !== undefined && parentSessionKey === undefined) {
    throw invalidRequest("succeedsParent requires parentSessionKey");
  }
  if ((params.worktreeBaseRef ?? params.worktreeName) !== undefined && !worktree) {
    throw invalidRequest("sessions.create worktreeBaseRef/worktreeName require worktree=true");
  }
  if (params.cwd !== undefined && !isAbsolute(params.cwd)) throw invalidRequest("sessions.create cwd must be absolute");
  if (params.incognito) throw invalidRequest("incognito sessions are not available on this gateway");
  if (worktree) throw invalidRequest("managed worktrees are not available on this gateway");
  if (params.projectId !== undefined) throw invalidRequest(`unknown project id: ${params.projectId}`);
  if (params.projectGitUrl !== undefined) throw invalidRequest("projects are not available on this gateway");
}

/**
 * Creating must not be a way to change what another's session runs on: of a session that is already there only an
 * administrator may choose another model (CVE-2026-100562).
 */
function checkAdoption(
  sessions: Sessions,
  known: StoredSession,
  { model }: SessionsCreateParams,
  creator: Creator,
): void {
  if (model === undefined || hasScope(creator, "operator.admin")) return;
  const current = sessions.rows().model(known);
  if (current && refOf(current) === chosenModel(sessions, model, known.agentId)) return;
  throw missingScope("operator.admin");
}

function principalOf({ idempotencyKey }: SessionsCreateParams, { deviceId }: Creator) {
  if (idempotencyKey === undefined) return null;
  if (deviceId === undefined) {
    throw invalidRequest("idempotent session creation requires an authenticated principal or device identity");
  }
  return { principal: `device:${deviceId}`, idempotencyKey };
}

function mainKeyOf(sessions: Sessions, agent: string | undefined): { key: string; prefix: string } {
  const key = sessions.canonicalKey(`main`, agent);
  const prefix = `agent:${sessions.agentOf(key)}:`;
  return { key: key === "global" ? `${prefix}${sessions.agents.roster.mainKey}` : key, prefix };
}

/** The session that the new one descends from: the named one, else the agent's main session, which need not exist. */
async function parentOf(
  sessions: Sessions,
  key: string,
  { parentSessionKey }: SessionsCreateParams,
  agent: string | undefined,
): Promise<{ key: string; session: StoredSession | null }> {
  if (parentSessionKey === undefined) {
    return { key: mainKeyOf(sessions, agent ?? keyFacts(key, sessions.agents.roster).agentId).key, session: null };
  }
  const parent = sessions.canonicalKey(parentSessionKey, agent);
  const session = await sessions.repository.find(parent);
  if (!session) throw invalidRequest(`unknown parent session: ${parentSessionKey}`);
  return { key: parent, session };
}

/** A fork goes on with the model of its source unless it chose one. */
function inheritModel(entry: SessionEntry, source: SessionEntry): void {
  if (entry.modelOverride !== undefined) return;
  for (const name of MODEL_FIELDS) if (source[name] !== undefined) entry[name] = source[name] as never;
}

const MODEL_FIELDS = [
  "providerOverride",
  "modelOverride",
  "modelOverrideSource",
  "modelOverrideRouteResolution",
  "thinkingLevel",
] as const;

/** Tells whether a request is the same again without keeping what it said. */
const fingerprint = (params: SessionsCreateParams): string =>
  createHash("sha256").update(stableJson(params)).digest("hex");

const SETTINGS = [
  "label",
  "category",
  "thinkingLevel",
  "fastMode",
  "toolOverrides",
  "permissionMode",
  "contextWindow",
] as const;

function applySettings(sessions: Sessions, session: StoredSession, params: SessionsCreateParams, now: number): void {
  const { key, entry, agentId } = session;
  if (params.model !== undefined) applyModelOverride(entry, chosenModel(sessions, params.model, agentId));
  const model = sessions.rows().model(session);
  const thinking = sessions.models.thinking(model, sessions.agents.find(agentId)?.thinkingDefault);
  const context = { key, entry, now, roster: sessions.agents.roster, model, thinking };
  const record = entry as unknown as Record<string, unknown>;
  for (const name of SETTINGS) {
    if (params[name] !== undefined) record[name] = PATCH_FIELDS[name]!.check(params[name], context, name);
  }
  if (params.displayName !== undefined) entry.displayName ??= params.displayName.trim() || undefined;
  if (params.execNode !== undefined) {
    entry.execHost = "node";
    entry.execNode = params.execNode.trim();
  }
}

/**
 * The directory that the session works in, without links. Outside the agent's workspace only an administrator may
 * choose one.
 */
async function workingDirectory(sessions: Sessions, cwd: string, agentId: string, creator: Creator): Promise<string> {
  const directory = await realpath(cwd).catch((error: NodeJS.ErrnoException) => {
    throw invalidRequest(`sessions.create cwd is unavailable: ${error.code ?? "unreadable"}`);
  });
  const workspace = sessions.workspaceOf(agentId);
  const inside = relative(await realpath(workspace).catch(() => workspace), directory);
  const isInside = inside === "" || (!inside.startsWith("..") && !isAbsolute(inside));
  if (!isInside && !hasScope(creator, "operator.admin")) throw missingScope("operator.admin");
  return directory;
}
