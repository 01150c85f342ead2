import { LIMITS } from "../../generated/limits.ts";
import type { SessionsCleanupParams, SessionsCleanupResult } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { StoredSession } from "./entry.ts";
import { keyFacts } from "./keys.ts";
import type { Sessions } from "./sessions.ts";

/** `session.maintenance` of the configuration, as far as it concerns sessions. */
export interface Maintenance {
  mode?: "enforce" | "warn";
  pruneAfter?: string | number;
  archiveDashboardAfter?: string | number | false;
  maxEntries?: number;
  preserveRecent?: string | number | false;
  maxDiskBytes?: string | number | false;
}

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;
/** Upstream's defaults (docs: concepts/session, session maintenance). */
const DEFAULTS = { pruneAfterMs: 30 * DAY_MS, dashboardAfterMs: 7 * DAY_MS, maxEntries: 5000, diskBytes: 10 * GIB };
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** What is to be done with one session. */
interface Verdict {
  session: StoredSession;
  act: "archive-age" | "archive-dashboard" | "archive-cap" | "prune";
}

/**
 * `sessions.cleanup`: archives sessions that nobody has used for long, and the oldest of too many; those of scheduled runs,
 * hooks and subagents are deleted. Pinned ones, main sessions, groups, those of channels and those at work stay. With
 * `mode: warn` it only reports, unless `enforce` is set. The size of the database is reported, nothing is deleted for it.
 * @throws GatewayError for an unknown agent, and for what this gateway does not do
 */
export async function cleanUpSessions(
  sessions: Sessions,
  settings: Maintenance = {},
  params: SessionsCleanupParams,
): Promise<SessionsCleanupResult> {
  if (params.allAgents && params.agent !== undefined) {
    throw invalidRequest("--agent and --all-agents cannot be used together");
  }
  if (params.fixDmScope) throw invalidRequest("fixDmScope is not available on this gateway");
  const { roster } = sessions.agents;
  const named = params.agent === undefined ? roster.defaultId : sessions.agents.find(params.agent)?.id;
  if (named === undefined) {
    throw invalidRequest(`Unknown agent id "${params.agent}". Run openclaw agents list to see configured agents.`);
  }
  const agents = params.allAgents ? roster.agents.map(({ id }) => id) : [named];
  const reports: SessionsCleanupResult[] = [];
  for (const agentId of agents) reports.push(await cleanUp(sessions, settings, params, agentId));
  return reports.length === 1 ? reports[0]! : together(reports);
}

async function cleanUp(
  sessions: Sessions,
  settings: Maintenance,
  { enforce, activeKey }: SessionsCleanupParams,
  agentId: string,
): Promise<SessionsCleanupResult> {
  const mode = enforce ? "enforce" : (settings.mode ?? "enforce");
  const pruneAfterMs = duration(settings.pruneAfter) ?? DEFAULTS.pruneAfterMs;
  const before = await sessions.repository.count(agentId);
  const bytesBefore = await sessions.repository.bytes();
  const spared = activeKey === undefined ? undefined : sessions.canonicalKey(activeKey);
  const verdicts = await judge(sessions, settings, pruneAfterMs, agentId, spared, before.unarchived);
  const done: Verdict[] = [];
  if (mode === "enforce") {
    for (const verdict of verdicts) if (await carryOut(sessions, verdict)) done.push(verdict);
  }
  const counted = mode === "enforce" ? done : verdicts;
  const count = (...acts: Verdict["act"][]) => counted.filter(({ act }) => acts.includes(act)).length;
  const pruned = count("prune");
  const maxBytes = settings.maxDiskBytes === false ? 0 : (bytes(settings.maxDiskBytes) ?? DEFAULTS.diskBytes);
  const bytesAfter = await sessions.repository.bytes();
  return {
    agentId,
    storePath: sessions.path,
    mode,
    dryRun: false,
    beforeCount: before.all,
    afterCount: before.all - pruned,
    // All is in one database: no transcript can be missing, no file can be left over.
    missing: 0,
    dmScopeRetired: 0,
    modelRunPruned: 0,
    archived: count("archive-age", "archive-dashboard"),
    capArchived: count("archive-cap"),
    pruned,
    capped: 0,
    unreferencedArtifacts: { scannedFiles: 0, removedFiles: 0, freedBytes: 0, olderThanMs: pruneAfterMs },
    diskBudget: {
      totalBytesBefore: bytesBefore,
      totalBytesAfter: bytesAfter,
      removedFiles: 0,
      removedEntries: 0,
      freedBytes: 0,
      maxBytes,
      highWaterBytes: Math.floor(maxBytes * 0.8),
      overBudget: maxBytes > 0 && bytesAfter > maxBytes,
    },
    wouldMutate: verdicts.length > 0,
    applied: mode === "enforce",
    ...(mode === "enforce" ? { appliedCount: before.all - pruned } : {}),
  };
}

/** What is to be done with which sessions of the agent, the oldest first. */
async function judge(
  sessions: Sessions,
  settings: Maintenance,
  pruneAfterMs: number,
  agentId: string,
  spared: string | undefined,
  unarchived: number,
): Promise<Verdict[]> {
  const now = sessions.clock.now();
  const { archiveDashboardAfter: given, preserveRecent, maxEntries = DEFAULTS.maxEntries } = settings;
  const dashboardAfterMs =
    given === false || given === 0 ? Number.POSITIVE_INFINITY : (duration(given) ?? DEFAULTS.dashboardAfterMs);
  const recentMs = preserveRecent === false ? 0 : (duration(preserveRecent) ?? 0);
  let over = Math.max(0, unarchived - maxEntries);
  const verdicts: Verdict[] = [];
  for (const session of await sessions.repository.oldest(agentId, LIMITS.sessionCleanup)) {
    const { key, entry } = session;
    const facts = keyFacts(key, sessions.agents.roster);
    const isProtected =
      key === spared ||
      key === "global" ||
      key === "unknown" ||
      facts.isMain ||
      facts.peerKind !== undefined ||
      facts.classification === "thread" ||
      entry.deliveryContext !== undefined ||
      sessions.runs.activeRunIds(key).length > 0;
    if (isProtected) continue;
    const age = now - entry.updatedAt;
    const act =
      age > pruneAfterMs
        ? facts.isBackground
          ? "prune"
          : "archive-age"
        : facts.classification === "dashboard" && age > dashboardAfterMs
          ? "archive-dashboard"
          : over > 0 && age >= recentMs
            ? "archive-cap"
            : undefined;
    if (act === undefined) continue;
    over -= 1;
    verdicts.push({ session, act });
  }
  return verdicts;
}

const REASONS = {
  "archive-age": "age-retention",
  "archive-dashboard": "stale-dashboard",
  "archive-cap": "entry-cap",
} as const;

/** Does it, unless the session was used meanwhile. */
async function carryOut(sessions: Sessions, { session, act }: Verdict): Promise<boolean> {
  const { key } = session;
  const isSame = (known: StoredSession | null): known is StoredSession =>
    known?.entry.updatedAt === session.entry.updatedAt && sessions.runs.activeRunIds(key).length === 0;
  if (act === "prune") {
    const check = (known: StoredSession): void => {
      if (!isSame(known)) throw invalidRequest("used meanwhile");
    };
    const removed = await sessions.repository
      .remove(key, { keepTranscript: false, check }, (gone) => sessions.gone(gone))
      .catch(() => null);
    return removed !== null;
  }
  const archive = (known: StoredSession | null): StoredSession | null => {
    if (!isSame(known) || known.entry.archivedAt !== undefined) return null;
    const archivedAt = sessions.clock.now();
    return { ...known, entry: { ...known.entry, archivedAt, archiveReason: REASONS[act] } };
  };
  return (await sessions.repository.update(key, archive, (family) => sessions.changed(family, "patch"))) !== null;
}

/** `30d`, `12h`; a number alone means days. */
function duration(value: string | number | false | undefined): number | undefined {
  if (typeof value === "number") return value * DAY_MS;
  const [, amount, unit = "d"] = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])?\s*$/.exec(value || "") ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit]!;
}

/** `10gb`; a number alone means bytes. */
function bytes(value: string | number | undefined): number | undefined {
  if (typeof value === "number") return value;
  const [, amount, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*$/i.exec(value ?? "") ?? [];
  return amount === undefined ? undefined : Number(amount) * 1024 ** " kmgt".indexOf(unit.toLowerCase() || " ");
}

/** The reports of several agents, and their sums. */
function together(stores: SessionsCleanupResult[]): SessionsCleanupResult {
  const { mode, dryRun } = stores[0]!;
  return {
    allAgents: true,
    mode,
    dryRun,
    stores,
  };
}
