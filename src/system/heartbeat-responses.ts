import { LIMITS } from "../../generated/limits.ts";

/** What an agent reports of a heartbeat by its tool, in place of words (docs: gateway/heartbeat, response contract). */
export interface HeartbeatResponse {
  outcome: "no_change" | "progress" | "done" | "blocked" | "needs_attention";
  /** Whether somebody is to be told. */
  notify: boolean;
  summary: string;
  notificationText?: string;
  reason?: string;
  priority?: "low" | "normal" | "high";
  nextCheck?: string;
  /** Replaces the notes of the heartbeat's job. */
  scratch?: string;
}

/** The reports of heartbeats at work, each until its turn has ended. */
export class HeartbeatResponses {
  private readonly byRun = new Map<string, HeartbeatResponse>();

  /** @returns false when the run has reported already */
  record(runId: string, response: HeartbeatResponse): boolean {
    if (this.byRun.has(runId)) return false;
    this.byRun.set(runId, response);
    // A run that is never asked for again has crashed.
    const [oldest] = this.byRun.keys();
    if (this.byRun.size > LIMITS.heartbeatResponses && oldest !== undefined) this.byRun.delete(oldest);
    return true;
  }

  take(runId: string): HeartbeatResponse | undefined {
    const response = this.byRun.get(runId);
    this.byRun.delete(runId);
    return response;
  }
}
