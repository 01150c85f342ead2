import { LIMITS } from "../../../generated/limits.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { uuid } from "../../platform/ids.ts";
import type { Logger } from "../../platform/logger.ts";
import type { SessionEntry } from "../../sessions/entry.ts";
import { deleteSession } from "../../sessions/lifecycle.ts";
import { applyModelOverride } from "../../sessions/model-choice.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { SessionToolSettings } from "../../sessions/types.ts";
import type { Runs } from "../runs/runs.ts";
import type { RunInput, RunOutcome } from "../runs/types.ts";
import { requestHash } from "../user-message.ts";
import type { SubagentRecord, SubagentRepository, SubagentStatus } from "./subagent-repository.ts";

export interface SubagentsDeps {
  repository: SubagentRepository;
  sessions: Sessions;
  runs: Runs;
  defender: Pick<DefenderPort, "screen">;
  clock: Clock;
  log: Logger;
}

/** A task for a subagent, as it is given when everything about it has been checked. */
export interface SpawnOrder {
  requesterKey: string;
  agentId: string;
  depth: number;
  task: string;
  label?: string;
  /** `provider/model` of a choice of its own. */
  model?: string;
  thinking?: string;
  timeoutMs: number;
  cleanup: "keep" | "delete";
  forOwner: boolean;
  /** The result waits to be fetched; nobody is told of it. */
  collects: boolean;
  maxChildren: number;
  /** What the child may use at most: what its requester may (KNOWN_ATTACKS 86). */
  tools: string[];
  isSandboxed: boolean;
  permissionMode?: SessionToolSettings["permissionMode"];
}

/** A subagent that ends with this word has nothing to tell. */
const SILENT = new Set(["ANNOUNCE_SKIP", "NO_REPLY"]);

/**
 * Subagents: runs in sessions of their own that an agent gives tasks to. The result of each goes back to the session
 * that gave the task, once, also after a restart (docs: tools/subagents).
 */
export class Subagents {
  constructor(private readonly deps: SubagentsDeps) {
    deps.runs.onStop((sessionKey) => this.stopChildren(sessionKey));
  }

  /** Takes account of what ended while the gateway was down. To be called once, after the runs have recovered. */
  async start(): Promise<void> {
    const { repository, runs } = this.deps;
    for (const record of await repository.untold()) {
      if (record.endedAt !== null) await this.announce(record);
      else await this.finished(record, (await runs.find(record.runId))?.outcome ?? null);
    }
  }

  /**
   * Begins a task; resolves when it is on disk and queued.
   * @returns null when too many are at work
   * @throws GatewayError when the gateway takes no more runs
   */
  async spawn(order: SpawnOrder): Promise<{ runId: string; childKey: string } | null> {
    const { repository, runs, clock } = this.deps;
    const runId = uuid();
    const childKey = `agent:${order.agentId}:subagent:${uuid()}`;
    const { requesterKey, label = null, task, cleanup, forOwner, collects, maxChildren } = order;
    const fresh = { runId, childKey, requesterKey, label, task, cleanup, forOwner, collects, createdAt: clock.now() };
    const fits = await repository.add(fresh, { maxChildren, maxActive: LIMITS.subagentsActive });
    if (!fits) return null;
    try {
      await this.prepare(childKey, order);
      const accepted = await runs.accept(taskInput(fresh, order), requestHash("subagent", runId), "followup");
      if (accepted.known) throw new Error("a fresh run id is known already");
      void accepted.settled
        .then((outcome) =>
          this.finished({ ...fresh, endedAt: null, status: null, result: null, announcedAt: null }, outcome),
        )
        .catch((error) => this.deps.log.error("the end of a subagent could not be told", { runId, error }));
    } catch (error) {
      await repository.remove(runId);
      throw error;
    }
    return { runId, childKey };
  }

  /** The tasks that a session gave, the newest first. */
  list(requesterKey: string): Promise<SubagentRecord[]> {
    return this.deps.repository.of(requesterKey, LIMITS.subagentsShown);
  }

  /** Stops a task of this session and what that has begun. @returns false when there is no such task at work */
  async cancel(requesterKey: string, runId: string): Promise<boolean> {
    const record = await this.deps.repository.find(runId);
    if (record === null || record.requesterKey !== requesterKey || record.endedAt !== null) return false;
    await this.stop(record);
    return true;
  }

  /** Stops the subagents of a session that was stopped, and theirs. Nobody is told of them. */
  private async stopChildren(requesterKey: string): Promise<void> {
    for (const record of await this.deps.repository.activeOf(requesterKey)) await this.stop(record);
  }

  private async stop({ runId, childKey }: SubagentRecord): Promise<void> {
    const { repository, runs, clock } = this.deps;
    await repository.ended(runId, { at: clock.now(), status: "cancelled", result: null, told: true });
    await runs.abortSession(childKey, "rpc");
  }

  /** The child's session, with the limits of its requester. */
  private async prepare(childKey: string, order: SpawnOrder): Promise<void> {
    const { sessions, clock } = this.deps;
    const now = clock.now();
    const taken = order.label === undefined ? [] : await sessions.repository.findByLabel(order.label, 1);
    await sessions.repository.update(
      childKey,
      () => {
        const blank = sessions.blank(childKey, now, "spawn");
        const entry: SessionEntry = {
          ...blank.entry,
          spawnedBy: order.requesterKey,
          parentSessionKey: order.requesterKey,
          spawnDepth: order.depth,
          inheritedToolPolicyVersion: 1,
          inheritedToolAllow: order.tools,
          ...(order.permissionMode === undefined ? {} : { permissionMode: order.permissionMode }),
          ...(order.isSandboxed ? { inheritedSandbox: true } : {}),
          ...(order.label !== undefined && taken.length === 0 ? { label: order.label } : {}),
          ...(order.thinking === undefined ? {} : { thinkingLevel: order.thinking }),
        };
        if (order.model !== undefined) applyModelOverride(entry, order.model);
        return { ...blank, entry };
      },
      (family) => sessions.changed(family, "create"),
    );
  }

  /** Null: the run was never stored, or is forgotten. */
  private async finished(record: SubagentRecord, outcome: RunOutcome | null): Promise<void> {
    const { repository, clock } = this.deps;
    const { status, result } = endOf(outcome);
    await repository.ended(record.runId, { at: outcome?.endedAt ?? clock.now(), status, result });
    const now = await repository.find(record.runId);
    if (now !== null && now.announcedAt === null) await this.announce(now);
    if (record.cleanup === "delete") await this.forget(record.childKey);
  }

  /** Gives the result to the session that asked: into its run at work, else as a turn of its own. */
  private async announce(record: SubagentRecord): Promise<void> {
    const { repository, runs, clock, log } = this.deps;
    const { runId } = record;
    try {
      const target = record.collects ? null : await this.listener(record.requesterKey);
      if (target !== null && !SILENT.has(record.result ?? "")) {
        const input = await this.announcement(record, target);
        await runs.accept(input, requestHash("announce", runId), "steer");
      }
      await repository.announced(runId, clock.now());
    } catch (error) {
      // It stays untold and is told after the next start.
      log.warn("the result of a subagent could not be told yet", { runId, error });
    }
  }

  /** The session that is to hear of it: the one that asked, or where that is gone the one that had asked that. */
  private async listener(requesterKey: string): Promise<string | null> {
    const { sessions, repository } = this.deps;
    let key: string | null = requesterKey;
    for (let step = 0; key !== null && step < LIMITS.subagentDepth; step++) {
      const session = await sessions.find(key);
      if (session && !session.archived) return key;
      key = await repository.requesterOf(key);
    }
    return null;
  }

  private async announcement(record: SubagentRecord, sessionKey: string): Promise<RunInput> {
    const { sessions, clock } = this.deps;
    const runId = uuid();
    const now = clock.now();
    const provenance = {
      kind: "inter_session",
      sourceSessionKey: record.childKey,
      sourceTool: "subagent_announce",
      ...(record.forOwner ? { forOwner: true } : {}),
    };
    return {
      runId,
      kind: "chat",
      sessionKey,
      agentId: sessions.agentOf(sessionKey),
      id: uuid(),
      acceptedAt: now,
      message: {
        role: "user",
        content: await this.words(record, sessionKey),
        timestamp: now,
        idempotencyKey: `${runId}:user`,
        meta: { provenance },
      },
      settings: {},
      owner: `session:${record.childKey}`,
      origin: "model",
    };
  }

  /** What a child brings back may hold what strangers told it; what the defender does not let pass is withheld. */
  private async words(record: SubagentRecord, sessionKey: string): Promise<string> {
    const { label, task, status, result, childKey, createdAt, endedAt } = record;
    const decision = await this.deps.defender.screen(result ?? "", {
      direction: "inbound",
      origin: "model",
      sessionKey,
      actor: `session:${childKey}`,
    });
    const said = decision.verdict === "allow" ? (result ?? "(nothing)") : "(withheld by the defender)";
    const seconds = Math.max(0, Math.round(((endedAt ?? createdAt) - createdAt) / 1000));
    return [
      `[Subagent ended] ${label ?? task.slice(0, 80)}`,
      `status: ${status} · runtime ${seconds}s · session ${childKey}`,
      "",
      said,
      "",
      "Tell the person what this means for what was asked, in your own words. If nothing needs to be said, answer NO_REPLY.",
    ].join("\n");
  }

  private async forget(childKey: string): Promise<void> {
    await deleteSession(this.deps.sessions, { key: childKey }).catch((error) => {
      this.deps.log.warn("the session of a subagent could not be deleted", { childKey, error });
    });
  }
}

const ENDS: Readonly<Record<RunOutcome["status"], SubagentStatus>> = {
  ok: "ok",
  error: "error",
  timeout: "timeout",
  aborted: "cancelled",
  interrupted: "interrupted",
};

function endOf(outcome: RunOutcome | null): { status: SubagentStatus; result: string | null } {
  if (outcome === null) return { status: "interrupted", result: null };
  const result = outcome.status === "ok" ? (outcome.reply?.text ?? null) : (outcome.error ?? null);
  return { status: ENDS[outcome.status], result };
}

function taskInput(
  {
    runId,
    childKey,
    requesterKey,
    createdAt,
  }: Pick<SubagentRecord, "runId" | "childKey" | "requesterKey" | "createdAt">,
  { agentId, task, timeoutMs, forOwner }: SpawnOrder,
): RunInput {
  const provenance = {
    kind: "inter_session",
    sourceSessionKey: requesterKey,
    sourceTool: "sessions_spawn",
    ...(forOwner ? { forOwner: true } : {}),
  };
  return {
    runId,
    kind: "agent",
    sessionKey: childKey,
    agentId,
    id: uuid(),
    acceptedAt: createdAt,
    message: {
      role: "user",
      content: `[Subagent Task]\n${task}`,
      timestamp: createdAt,
      idempotencyKey: `${runId}:user`,
      meta: { provenance },
    },
    settings: { timeoutMs, extraSystemPrompt: RULES },
    owner: `session:${requesterKey}`,
    origin: "model",
  };
}

const RULES =
  "You are a subagent: another agent gave you one task and waits for its result. Do that task and nothing else, ask nobody back, and end with a complete answer, because only your last answer is handed on. If it cannot be done, say why.";
