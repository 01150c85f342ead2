import type { GatewaySuspendBlocker, RestartPreflightResult } from "../../generated/types.ts";
import type { OpenRequests } from "./open-requests.ts";

interface WorkDeps {
  requests: OpenRequests;
  runs: { readonly waiting: number; readonly atWork: number };
  scheduler: { readonly atWork: number };
  processes: { readonly backgroundAtWork: number };
}

const BACKGROUND = "active background exec session(s)";

/** What a stop or a freeze of the process would interrupt. */
export class ActiveWork {
  constructor(private readonly deps: WorkDeps) {}

  /** One line for each kind of work there is; empty when the gateway is idle. */
  blockers(): GatewaySuspendBlocker[] {
    const { runs, scheduler, processes } = this.deps;
    return [
      ...counted("background-exec", processes.backgroundAtWork, BACKGROUND),
      ...counted("cron-run", scheduler.atWork, "active cron run(s)"),
      ...this.requests(),
      ...counted("session-admission", runs.atWork + runs.waiting, "admitted session turn(s)"),
      ...counted("chat-run", runs.atWork, "active chat run(s)"),
      ...counted("queued-turn", runs.waiting, "queued turn(s)"),
    ];
  }

  /** `gateway.restart.preflight`: whether a restart now would interrupt something. Nothing is held for it. */
  preflight(): RestartPreflightResult {
    const { runs, scheduler, processes } = this.deps;
    const requests = this.requests();
    const rootRequests = requests.reduce((sum, { count }) => sum + count, 0);
    const counts = {
      queueSize: runs.waiting,
      pendingReplies: 0,
      embeddedRuns: runs.atWork,
      cronRuns: scheduler.atWork,
      backgroundExecSessions: processes.backgroundAtWork,
      rootRequests,
      activeTasks: 0,
    };
    const totalActive = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const blockers = [
      ...counted("queue", runs.waiting, "queued or active operation(s)"),
      ...counted("embedded-run", runs.atWork, "active embedded run(s)"),
      ...counted("background-exec", processes.backgroundAtWork, BACKGROUND),
      ...counted("cron-run", scheduler.atWork, "active cron run(s)"),
      ...requests,
    ];
    const summary =
      blockers.length === 0
        ? "safe to restart now"
        : `restart deferred: ${blockers.map(({ message }) => message).join("; ")}`;
    return { safe: blockers.length === 0, counts: { ...counts, totalActive }, blockers, summary };
  }

  private requests(): GatewaySuspendBlocker[] {
    const open = this.deps.requests.list();
    const total = open.reduce((sum, [, count]) => sum + count, 0);
    const names = open.map(([name]) => name).join(", ");
    return counted("root-request", total, `active gateway request(s): ${names}`);
  }
}

function counted(kind: GatewaySuspendBlocker["kind"], count: number, what: string): GatewaySuspendBlocker[] {
  return count === 0 ? [] : [{ kind, count, message: `${count} ${what}` }];
}
