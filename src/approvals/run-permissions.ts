import type { Clock } from "../platform/clock.ts";
import { type GatewayError, invalidRequest } from "../platform/errors.ts";
import type { ApprovalRepository } from "./approval-repository.ts";
import { environmentHash } from "./exec-request.ts";
import type { Approval, ApprovalDecision } from "./types.ts";

/** A run that is said to have been approved: the id of its approval, where it shall run, and who asks. */
export interface RunClaim {
  runId: string;
  nodeId: string;
  env?: Readonly<Record<string, unknown>>;
  caller: { connId: string; deviceId?: string };
}

/** What was approved, as it was shown to whoever decided. */
export interface PermittedRun {
  decision: Exclude<ApprovalDecision, "deny">;
  plan: RunPlan;
}

/** `systemRunPlan` of the approval: what a node runs, where and for which session, and the script it is pinned to. */
export interface RunPlan {
  argv: readonly string[];
  cwd: string | null;
  agentId: string | null;
  sessionKey: string | null;
  commandPreview?: string | null;
}

/**
 * Lets a node run what was approved for it: once, on that node alone, for whoever asked for the approval, and with the
 * environment that was named then (docs: exec approvals; KNOWN_ATTACKS 70, 74).
 */
export class RunPermissions {
  constructor(
    private readonly repository: ApprovalRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes the permission; it cannot be taken a second time. The codes and words are those of 2026.9.6.
   * @throws GatewayError with `details.code` when there is none for this run
   */
  async take(claim: RunClaim): Promise<PermittedRun> {
    const { runId } = claim;
    let refusal: GatewayError | undefined;
    const approval = await this.repository.change(runId, (before) => {
      refusal = this.refusal(before, claim);
      return refusal === undefined ? { ...before, usedAtMs: this.clock.now() } : before;
    });
    if (approval === null) throw refused("UNKNOWN_APPROVAL_ID", "unknown or expired approval id", { runId });
    if (refusal !== undefined) throw refusal;
    return { decision: approval.decision as PermittedRun["decision"], plan: planOf(approval)! };
  }

  private refusal(approval: Approval, { runId, nodeId, env, caller }: RunClaim): GatewayError | undefined {
    const no = (code: string, message: string, more: object = {}) => refused(code, message, { runId, ...more });
    const { kind, request, requester, expiresAtMs, decision, usedAtMs } = approval;
    if (kind !== "exec") return no("UNKNOWN_APPROVAL_ID", "unknown or expired approval id");
    if (this.clock.now() > expiresAtMs) return no("APPROVAL_EXPIRED", "approval expired");
    if (!request.nodeId) return no("APPROVAL_NODE_BINDING_MISSING", "approval id missing node binding");
    if (request.nodeId !== nodeId) return no("APPROVAL_NODE_MISMATCH", "approval id not valid for this node");
    if (requester.deviceId !== undefined) {
      if (requester.deviceId !== caller.deviceId) {
        return no("APPROVAL_DEVICE_MISMATCH", "approval id not valid for this device");
      }
    } else if (requester.connId !== caller.connId) {
      return no("APPROVAL_CLIENT_MISMATCH", "approval id not valid for this client");
    }
    if (planOf(approval) === null) return no("APPROVAL_REQUEST_MISMATCH", "approval id does not match request");
    const expected = (request.systemRunBinding as { envHash?: string | null } | null)?.envHash ?? null;
    const actual = environmentHash(env);
    if (expected !== actual) {
      const envKeys = Object.keys(env ?? {}).sort();
      return expected === null
        ? no("APPROVAL_ENV_BINDING_MISSING", "approval id missing env binding for requested env overrides", { envKeys })
        : no("APPROVAL_ENV_MISMATCH", "approval id env binding mismatch", {
            envKeys,
            expectedEnvHash: expected,
            actualEnvHash: actual,
          });
    }
    const isAllowed = decision === "allow-once" || decision === "allow-always";
    return isAllowed && usedAtMs === undefined ? undefined : no("APPROVAL_REQUIRED", "approval required");
  }
}

const planOf = ({ request }: Approval): RunPlan | null => (request.systemRunPlan as RunPlan | null | undefined) ?? null;

const refused = (code: string, message: string, details: object): GatewayError =>
  invalidRequest(message, { code, ...details });
