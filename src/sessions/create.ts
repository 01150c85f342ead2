import type { Database } from "bun:sqlite";
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
import { knownAgent, ownableKey } from "./keys.ts";
import { applyModelOverride, chosenModel } from "./model-choice.ts";
import { PATCH_FIELDS } from "./patch-fields.ts";
import { demandFreeLabel, findSession } from "./session-columns.ts";
import type { CreationClaim } from "./session-repository.ts";
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
  const claim = claimOf(params, creator, sessions.clock.now());
  const plan = await planOf(sessions, params, creator);
  const make = (known: StoredSession | null, db: Database) => {
    if (known) checkAdoption(sessions, known, params, creator);
    return build(sessions, params, plan, known, db);
  };
  return sessions.repository.create(plan.key, claim, make, (family) => sessions.changed(family, "create"));
}

/** What is found out before the transaction that stores the session. */
interface Plan {
  key: string;
  agentId: string;
  /** The directory that was asked for, without links. */
  root?: string;
  /** Key of the session it descends from. Only one that was named has to exist. */
  parentKey: string;
}

async function planOf(sessions: Sessions, params: SessionsCreateParams, creator: Creator): Promise<Plan> {
  const { roster } = sessions.agents;
  const agent = params.agentId === undefined ? undefined : knownAgent(params.agentId, roster);
  const named = params.key?.trim();
  const key = named ? ownableKey(sessions.canonicalKey(named, agent)) : newKey(sessions, agent);
  const agentId = sessions.agentOf(key);
  if (!roster.agents.some(({ id }) => id === agentId)) throw invalidRequest(`Unknown agent id "${agentId}"`);
  const root = params.cwd === undefined ? undefined : await workingDirectory(sessions, params.cwd, agentId, creator);
  const { parentSessionKey } = params;
  if (parentSessionKey === undefined) return { key, agentId, root, parentKey: `agent:${agentId}:${roster.mainKey}` };
  const parentKey = sessions.canonicalKey(parentSessionKey, agent);
  if (!(await sessions.repository.find(parentKey))) throw invalidRequest(`unknown parent session: ${parentSessionKey}`);
  return { key, agentId, root, parentKey };
}

/** The key of a session that got none: one of the agent that is named or owns what names none. */
function newKey(sessions: Sessions, agent: string | undefined): string {
  return `agent:${sessions.agentOf(sessions.canonicalKey("main", agent))}:dashboard:${uuid()}`;
}

/** The session as it will be stored. Runs inside the transaction. */
function build(
  sessions: Sessions,
  params: SessionsCreateParams,
  plan: Plan,
  known: StoredSession | null,
  db: Database,
): StoredSession {
  const { key, agentId, root } = plan;
  const now = sessions.clock.now();
  const session = known ?? sessions.blank(key, now, "operator");
  const entry: SessionEntry = { ...session.entry, updatedAt: now };
  if (params.execNode === undefined) entry.sessionRoot = root ?? entry.sessionRoot ?? sessions.workspaceOf(agentId);
  applySettings(sessions, { ...session, entry }, params, now);
  demandFreeLabel(db, agentId, key, entry.label);
  entry.delivery ??= { kind: "none" };
  if (!known) {
    if (root !== undefined) entry.spawnedCwd = root;
    if (params.visibility !== undefined) entry.visibility = params.visibility;
    entry.spawnDepth = params.spawnDepth ?? 0;
  }
  if (entry.parentSessionKey === undefined && plan.parentKey !== key) {
    entry.parentSessionKey = plan.parentKey;
    const parent = params.parentSessionKey === undefined ? null : findSession(db, plan.parentKey);
    if (parent) entry.parentSessionId = parent.entry.sessionId;
    // A child of a session that was named goes on with its model; one of the agent's main session with the agent's.
    if (!known && parent && !params.fork) inheritModel(entry, parent.entry, MODEL_CHOICE);
    if (!known && !params.fork) entry.modelOverrideSource ??= "default";
    if (!known && params.fork && parent) return forked(db, { ...session, entry }, parent, params, now);
  }
  return { ...session, entry };
}

/** The new session with the model of its source and a copy of what was said there. */
function forked(
  db: Database,
  session: StoredSession,
  source: StoredSession,
  { forkFrom }: SessionsCreateParams,
  now: number,
): StoredSession {
  const { key, entry } = session;
  const { sessionId } = source.entry;
  inheritModel(entry, source.entry, [...MODEL_CHOICE, "thinkingLevel"]);
  entry.forkSource = { sessionKey: source.key, sessionId };
  entry.totalTokensFresh = false;
  entry.forkedFromParent = true;
  const lastCompleted = forkFrom === "last-completed";
  copyTranscript(db, sessionId, { key, sessionId: entry.sessionId }, now, { lastCompleted });
  return { ...session, title: source.title, preview: source.preview };
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

function claimOf(params: SessionsCreateParams, { deviceId }: Creator, now: number): CreationClaim | null {
  const { idempotencyKey } = params;
  if (idempotencyKey === undefined) return null;
  if (deviceId === undefined) {
    throw invalidRequest("idempotent session creation requires an authenticated principal or device identity");
  }
  return { principal: `device:${deviceId}`, idempotencyKey, request: fingerprint(params), now };
}

/** A session that descends from another goes on with its model unless it chose one. */
function inheritModel(entry: SessionEntry, source: SessionEntry, fields: readonly (keyof SessionEntry)[]): void {
  if (entry.modelOverride !== undefined) return;
  for (const name of fields) if (source[name] !== undefined) entry[name] = source[name] as never;
}

const MODEL_CHOICE = [
  "providerOverride",
  "modelOverride",
  "modelOverrideSource",
  "modelOverrideRouteResolution",
] as const satisfies readonly (keyof SessionEntry)[];

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
