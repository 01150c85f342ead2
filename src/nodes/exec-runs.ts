import { LIMITS } from "../../generated/limits.ts";
import type { NodeSession } from "./types.ts";

interface ExecRun {
  connId: string;
  /** The session that the run belongs to, when the caller named one. */
  sessionKey: string | undefined;
}

/**
 * Runs of `system.run` that a node was really asked for. Only of these does the gateway believe what the node tells
 * (docs: gateway/protocol, node exec lifecycle events).
 */
export class ExecRuns {
  /** By node and run id, oldest first. */
  private readonly runs = new Map<string, ExecRun>();

  admitted({ nodeId, connId }: NodeSession, params: unknown): void {
    const { runId, sessionKey } = (params ?? {}) as { runId?: unknown; sessionKey?: unknown };
    if (typeof runId !== "string") return;
    this.runs.set(keyOf(nodeId, runId), {
      connId,
      sessionKey: typeof sessionKey === "string" ? sessionKey : undefined,
    });
    for (const key of this.runs.keys()) {
      if (this.runs.size <= LIMITS.nodeExecRuns) break;
      this.runs.delete(key);
    }
  }

  /** The run that an event is of, if this connection was asked for it. The end of a run is believed once. */
  matching({ nodeId, connId }: NodeSession, event: string, payload: unknown): { sessionKey?: string } | null {
    const { runId, sessionKey } = (payload ?? {}) as { runId?: unknown; sessionKey?: unknown };
    if (typeof runId !== "string") return null;
    const key = keyOf(nodeId, runId);
    const run = this.runs.get(key);
    if (run?.connId !== connId) return null;
    if (run.sessionKey !== undefined && run.sessionKey !== sessionKey) return null;
    if (event !== "exec.started") this.runs.delete(key);
    return run.sessionKey === undefined ? {} : { sessionKey: run.sessionKey };
  }

  /** What a connection that has ended was asked for is nobody's to report any more. */
  sessionEnded({ connId }: NodeSession): void {
    for (const [key, run] of this.runs) if (run.connId === connId) this.runs.delete(key);
  }
}

const keyOf = (nodeId: string, runId: string): string => `${nodeId} ${runId}`;
