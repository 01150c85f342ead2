import type { ExecApprovalRequestParams } from "../../../generated/types.ts";
import { type ExecRequestLimits, execDraft } from "../../approvals/exec-request.ts";
import { type Approval, type ApprovalsPort, RUN_REQUESTER } from "../../approvals/types.ts";
import { GatewayError } from "../../platform/errors.ts";
import type { ToolContext } from "../types.ts";
import { ExecRefusal } from "./results.ts";
import type { ExecAsk, ExecSecurity } from "./settings.ts";

export interface ApprovalQuestion {
  command: string;
  cwd: string;
  host: "gateway" | "sandbox" | "node";
  /** For a node: which, and what it will run, as it has said itself. */
  node?: { id: string; plan: unknown };
  variables: Readonly<Record<string, string>>;
  security: ExecSecurity;
  ask: ExecAsk;
  /** What a person should know before deciding. */
  warning?: string;
  resolvedPath: string | null;
  /** Whether the command can be allowed for all times. */
  mayLast: boolean;
  context: ToolContext;
}

/**
 * Asks people whether a command may be started and waits for the end of it, whatever that is (docs: exec-approvals,
 * Approval flow). The fields are those that upstream's own exec tool sends.
 * @throws ExecRefusal when the command cannot be shown whole or too many questions wait, or the signal's reason
 */
export async function askPeople(
  approvals: ApprovalsPort,
  question: ApprovalQuestion,
  limits: ExecRequestLimits,
): Promise<Approval> {
  const { runId, signal } = question.context;
  const draft = refusing(() => execDraft(paramsOf(question), limits));
  const { approval } = await approvals.open(draft, { connId: `${RUN_REQUESTER}${runId}` }).catch(refuse);
  if (approval.status !== "pending") return approval;
  const ended = (await approvals.settled(approval.id, signal)) ?? approval;
  if (signal.aborted) {
    await approvals.cancel(approval.id, "run-aborted");
    throw signal.reason;
  }
  return ended;
}

function paramsOf({
  command,
  cwd,
  host,
  node,
  variables,
  security,
  ask,
  warning,
  resolvedPath,
  mayLast,
  context,
}: ApprovalQuestion) {
  const { agentId, sessionKey, runId, toolCallId, channel = "webchat" } = context;
  return {
    command,
    cwd,
    ...(Object.keys(variables).length > 0 && { env: { ...variables } }),
    host,
    ...(node && { nodeId: node.id, systemRunPlan: node.plan as ExecApprovalRequestParams["systemRunPlan"] }),
    security,
    ask,
    ...(warning !== undefined && { warningText: warning }),
    ...(!mayLast && { unavailableDecisions: ["allow-always" as const] }),
    ...(resolvedPath !== null && { resolvedPath }),
    agentId,
    sessionKey,
    runId,
    toolCallId,
    turnSourceChannel: channel,
    turnSourceTo: sessionKey,
  };
}

function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  if (error instanceof GatewayError) throw new ExecRefusal(`Exec approval registration failed: ${error.message}`);
  throw error;
}

/** Why a command was not approved, in upstream's words; null when it was. */
export function denialOf({ status, reason }: Approval): string | null {
  if (status === "allowed") return null;
  if (reason === "user") return "user-denied";
  if (reason === "timeout") return "approval-timeout";
  return reason === "no-route" ? "no-approval-route" : (reason ?? "approval-unavailable");
}
