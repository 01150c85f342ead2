import { createHash } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";

/** A call of a tool as a permission for all times means it. */
export interface ToolCallClaim {
  agentId: string;
  tool: string;
  /** Whose words led to it: what an owner was allowed, a stranger's words do not get. */
  origin: string;
  args: Readonly<Record<string, unknown>>;
}

/** What an `allow-always` for a call of a tool leaves: a permission for just this call again. The oldest beyond the bound go. */
export class ToolGrants {
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly bounds: { toolGrantsKept: number },
  ) {}

  holds({ agentId, tool, origin, args }: ToolCallClaim): Promise<boolean> {
    const sql = "SELECT 1 FROM tool_grants WHERE agent_id = ? AND tool = ? AND origin = ? AND args_hash = ?";
    return this.store.read((db) => db.query(sql).get(agentId, tool, origin, hashOf(args)) !== null);
  }

  keep({ agentId, tool, origin, args }: ToolCallClaim, approvalId: string): Promise<void> {
    return this.store.write((db) => {
      db.query(
        `INSERT OR REPLACE INTO tool_grants (agent_id, tool, origin, args_hash, approval_id, created_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
      ).run(agentId, tool, origin, hashOf(args), approvalId, this.clock.now());
      db.query(
        `DELETE FROM tool_grants WHERE (agent_id, tool, origin, args_hash) IN (
           SELECT agent_id, tool, origin, args_hash FROM tool_grants ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
      ).run(this.bounds.toolGrantsKept);
    });
  }
}

/** The same for the same arguments, in whatever order they were named. */
const hashOf = (args: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(args)))
    .digest("hex");

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
}
