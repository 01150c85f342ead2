import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import { commandLine } from "../approvals/command/words.ts";
import { execDraft } from "../approvals/exec-request.ts";
import type { Grants } from "../approvals/grants.ts";
import type { ApprovalsPort } from "../approvals/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import { GatewayError } from "../platform/errors.ts";
import { type Command, failed, refusedVariables, runCommand } from "./command.ts";
import { given, type Job } from "./job.ts";
import type { Execution } from "./outcome.ts";

export interface CommandDeps {
  defender: Pick<DefenderPort, "judge">;
  approvals: ApprovalsPort;
  grants: Pick<Grants, "use">;
}

/** Of the run: whose job it is, where it runs unless it says so, and what ends it. */
export interface CommandRun {
  agentId: string;
  runId: string;
  folder: string;
  signal: AbortSignal;
}

/** Runs a job's command if it may run now. Never rejects for what the command does. */
export async function runCommandJob(
  job: Job,
  payload: Command,
  run: CommandRun,
  deps: CommandDeps,
): Promise<Execution> {
  const refusal = refusedVariables(payload).length > 0 ? null : await refusalOf(job, payload, run, deps);
  return refusal === null ? runCommand(payload, run.folder, run.signal) : failed(payload, refusal);
}

/**
 * Whether a job's command may run now, which is asked before every run. Only administrators make such jobs, and the
 * policy for commands of agents does not govern them (docs: cron-jobs/payloads); the defender judges them all the same.
 * Where it wants a person to look, whoever answers `allow-always` leaves a standing permission for this job, command and
 * folder alone (docs: exec approvals, Standing grants for automations). Waits for the answer.
 * @returns null, or why it may not run
 */
export async function refusalOf(
  job: Job,
  payload: Command,
  run: CommandRun,
  deps: CommandDeps,
): Promise<string | null> {
  const { defender, approvals, grants } = deps;
  const { agentId, runId, signal } = run;
  const { argv, env } = payload;
  const cwd = payload.cwd ?? run.folder;
  const actor = `cron:${job.id}`;
  const { verdict, findings } = await defender.judge(
    { kind: "command", command: commandLine(argv), argv, cwd, ...given({ env }), host: "gateway" },
    { origin: "owner", agentId, runId, actor },
  );
  const reason = findings[0]?.reason ?? "";
  if (verdict === "block") return `The defender does not let this command run. ${reason}`.trim();
  if (verdict === "allow") return null;
  const command = signed(payload);
  const automation = { agentId, cronJobId: job.id, cronJobName: job.name };
  if (await grants.use(automation, command, cwd)) return null;
  try {
    const draft = execDraft({ command, cwd, host: "gateway", agentId, runId, warningText: reason }, LIMITS);
    const { approval } = await approvals.open({ ...draft, automation }, { connId: actor });
    const end = approval.status === "pending" ? await approvals.settled(approval.id, signal) : approval;
    if (end?.status === "pending") await approvals.cancel(approval.id, "run-aborted");
    if (end?.status === "allowed") return null;
    if (end?.reason === "no-route")
      return "The command needs somebody's approval, and nobody is there who could give it.";
    return `The command was not approved (${end?.status ?? "unknown"}).`;
  } catch (error) {
    if (error instanceof GatewayError) return `The command needs an approval: ${error.message}`;
    throw error;
  }
}

/** The command with a sign of its environment and its input, so that a permission for one is none for another. */
function signed({ argv, env = {}, input }: Command): string {
  const line = commandLine(argv);
  const entries = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  if (input === undefined && entries.length === 0) return line;
  const hash = createHash("sha256")
    .update(JSON.stringify([entries, input ?? null]))
    .digest("hex");
  return `${line} # environment and input ${hash.slice(0, 16)}`;
}
