import type { Database } from "bun:sqlite";
import type { ExecApprovalGrantsRevokeResult, ExecApprovalStandingGrant } from "../../generated/types.ts";
import type { Store } from "../store/store.ts";
import type { Approval, Automation } from "./types.ts";

/** Milliseconds of a day. */
const DAY_MS = 86_400_000;
const TEXT_CHARS = 512;

/**
 * Standing permissions that an `allow-always` for an automation's command left: for this agent, automation, command and
 * folder alone, until they are revoked or expire (docs: exec approvals, Standing grants for automations).
 */
export class GrantRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: { approvalGrantsKept: number },
  ) {}

  /** Newest first. */
  list(limit: number): Promise<ExecApprovalStandingGrant[]> {
    return this.store.read((db) =>
      db
        .query("SELECT * FROM approval_grants ORDER BY created_at DESC, grant_id LIMIT ?")
        .all(Math.min(limit, this.bounds.approvalGrantsKept))
        .map((row) => view(row as GrantRow)),
    );
  }

  /**
   * Takes a permission that holds into use. A command as long as what a permission keeps of one may have been cut, and
   * never fits.
   */
  use({ agentId, cronJobId }: Automation, command: string, cwd: string | null, now: number): Promise<boolean> {
    if (command.length >= TEXT_CHARS || (cwd?.length ?? 0) >= TEXT_CHARS) return Promise.resolve(false);
    return this.store.write((db) => {
      const update = `UPDATE approval_grants SET last_used_at = ?5, use_count = use_count + 1
                       WHERE agent_id = ?1 AND cron_job_id = ?2 AND command = ?3 AND cwd IS ?4
                         AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?5)`;
      return db.query(update).run(agentId, cronJobId, command, cwd, now).changes > 0;
    });
  }

  /** Takes a permission back; to do so twice changes nothing. `by` is the name of who does. */
  revoke(grantId: string, by: string, now: number): Promise<ExecApprovalGrantsRevokeResult["outcome"]> {
    return this.store.write((db) => {
      const row = db.query("SELECT revoked_at FROM approval_grants WHERE grant_id = ?").get(grantId);
      if (row === null) return "not-found";
      if ((row as { revoked_at: number | null }).revoked_at !== null) return "already-revoked";
      const update = "UPDATE approval_grants SET revoked_at = ?2, revoked_by = ?3 WHERE grant_id = ?1";
      db.query(update).run(grantId, now, by.slice(0, 200));
      return "revoked";
    });
  }
}

/** Writes the permission that an approval leaves; called in the transaction that ends it. The oldest beyond the bound go. */
export function mintGrant(db: Database, grantId: string, approval: Approval, kept: number): void {
  const { automation, presentation, request, resolvedAtMs, grantExpiresInDays } = approval;
  if (automation === undefined || presentation.kind !== "exec" || resolvedAtMs === undefined) return;
  const expiresAtMs = grantExpiresInDays === undefined ? null : resolvedAtMs + grantExpiresInDays * DAY_MS;
  const cwd = typeof request.cwd === "string" ? request.cwd.slice(0, TEXT_CHARS) : null;
  db.query(
    `INSERT INTO approval_grants (grant_id, approval_id, agent_id, cron_job_id, cron_job_name, command, cwd, created_at,
       expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
  ).run(
    grantId,
    approval.id,
    automation.agentId,
    automation.cronJobId,
    automation.cronJobName?.slice(0, 200) ?? null,
    presentation.commandText.slice(0, TEXT_CHARS),
    cwd,
    resolvedAtMs,
    expiresAtMs,
  );
  db.query(
    `DELETE FROM approval_grants WHERE grant_id IN (
       SELECT grant_id FROM approval_grants ORDER BY created_at DESC, grant_id LIMIT -1 OFFSET ?)`,
  ).run(kept);
}

interface GrantRow {
  grant_id: string;
  approval_id: string;
  agent_id: string;
  cron_job_id: string;
  cron_job_name: string | null;
  command: string;
  cwd: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  revoked_by: string | null;
  last_used_at: number | null;
  use_count: number;
}

const view = (row: GrantRow): ExecApprovalStandingGrant => ({
  grantId: row.grant_id,
  mintedByApprovalId: row.approval_id,
  agentId: row.agent_id,
  cronJobId: row.cron_job_id,
  cronJobName: row.cron_job_name,
  command: row.command,
  cwd: row.cwd,
  createdAtMs: row.created_at,
  expiresAtMs: row.expires_at,
  revokedAtMs: row.revoked_at,
  revokedBy: row.revoked_by,
  lastUsedAtMs: row.last_used_at,
  useCount: row.use_count,
});
