import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { SessionsPort } from "../../sessions/types.ts";
import { injectedMessage } from "../injected.ts";
import { INTERRUPTED_MESSAGE } from "./failure-text.ts";
import type { RunRecord, RunRecords } from "./run-records.ts";
import type { RunOutcome } from "./types.ts";

export interface RecoveryDeps {
  sessions: SessionsPort;
  records: RunRecords;
  clock: Clock;
  log: Logger;
}

/**
 * Gives every run that a crash cut off an end that its sender can read: one that was at work gets a note behind its
 * message in the transcript and its session the status `failed`; a message that had not begun stays in `pendingInputs`
 * as interrupted. None is run again: nobody can tell what the cut-off call has already done, and its sender may have
 * sent the message anew.
 */
export async function recover({ sessions, records, clock, log }: RecoveryDeps): Promise<void> {
  for (const record of await records.unfinished()) {
    try {
      await settle(record, { sessions, records, clock, log });
    } catch (error) {
      log.error("a run that a crash cut off could not be settled", { runId: record.runId, error });
    }
  }
}

async function settle(record: RunRecord, { sessions, records, clock, log }: RecoveryDeps): Promise<void> {
  const { runId, sessionKey, startedAt, acceptedAt } = record;
  const endedAt = clock.now();
  const outcome: RunOutcome = { status: "interrupted", endedAt, error: INTERRUPTED_MESSAGE };
  if (startedAt === null) {
    await records.ended(runId, outcome);
  } else {
    const note = injectedMessage(`⚠️ ${INTERRUPTED_MESSAGE}`, endedAt, {
      idempotencyKey: `${runId}:interrupted`,
      meta: { runId },
      extra: { openclawAbort: { aborted: true, origin: "restart", runId }, excludeFromContext: true },
    });
    await Promise.all([
      sessions.append(sessionKey, [note]),
      sessions.recordRun(sessionKey, {
        status: "failed",
        abortedLastRun: true,
        lastRunError: INTERRUPTED_MESSAGE,
        endedAt,
        runtimeMs: endedAt - startedAt,
        lastRunId: runId,
      }),
      records.ended(runId, { ...outcome, startedAt }),
    ]);
  }
  log.warn("a run was cut off when the gateway stopped", { runId, sessionKey, acceptedAt, began: startedAt !== null });
}
