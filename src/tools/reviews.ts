import { pluginDraft } from "../approvals/plugin-approvals.ts";
import type { ToolGrants } from "../approvals/tool-grants.ts";
import { type Approval, type ApprovalsPort, RUN_REQUESTER } from "../approvals/types.ts";
import { GatewayError } from "../platform/errors.ts";
import type { AskPerson } from "./host.ts";

export interface ToolReviewsOptions {
  approvals: ApprovalsPort;
  grants: ToolGrants;
  limits: { pluginApprovalTimeoutMs: number };
}

/**
 * Lets people decide about calls that the defender wants reviewed, through `plugin.approval.*` and `approval.*`, as
 * approvals of plugins are decided (docs: plugins, approvals). Where nobody can be asked, the answer is no.
 */
export function toolReviews({ approvals, grants, limits }: ToolReviewsOptions): AskPerson {
  return async ({ name, args, shown, reason }, context) => {
    const { agentId, sessionKey, runId, toolCallId, origin, channel = "webchat", signal } = context;
    const claim = { agentId, tool: name, origin, args };
    if (await grants.holds(claim)) return null;
    let opened: Approval;
    try {
      const draft = pluginDraft(
        {
          pluginId: "defender",
          title: `The agent ${agentId} wants to use ${name}`,
          description: reason || "The defender wants a person to look at this call.",
          detail: JSON.stringify(shown, null, 2),
          severity: "warning",
          toolName: name,
          toolCallId,
          agentId,
          sessionKey,
          turnSourceChannel: channel,
          turnSourceTo: sessionKey,
        },
        limits.pluginApprovalTimeoutMs,
      );
      // The run that waits is named by the gateway, never by whoever asks.
      const request = { ...draft.request, runId };
      opened = (await approvals.open({ ...draft, request }, { connId: `${RUN_REQUESTER}${runId}` })).approval;
    } catch (error) {
      if (error instanceof GatewayError) return "Nobody could be asked: it cannot be shown whole, or too much waits.";
      throw error;
    }
    const ended = opened.status === "pending" ? ((await approvals.settled(opened.id, signal)) ?? opened) : opened;
    if (signal.aborted) {
      await approvals.cancel(opened.id, "run-aborted");
      throw signal.reason;
    }
    if (ended.status === "allowed" && ended.decision === "allow-always") await grants.keep(claim, ended.id);
    return refusalOf(ended);
  };
}

function refusalOf({ status, reason }: Approval): string | null {
  if (status === "allowed") return null;
  if (reason === "user") return "A person was asked and refused.";
  if (reason === "timeout") return "A person was asked, and nobody answered in time.";
  return reason === "no-route"
    ? "Nobody is there who could be asked."
    : "A person was asked, and the question was given up.";
}
