import type {
  ApprovalDecided,
  PluginApprovalPresentation,
  PluginApprovalRequestParams,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { type Approvals, allowedDecisions } from "./approvals.ts";
import { visible, visibleLines } from "./display.ts";
import { requestUnavailable } from "./errors.ts";
import { ApprovalsOfKind, type Asking } from "./kind.ts";
import type { Approval, ApprovalCaller, ApprovalDecision, ApprovalDraft } from "./types.ts";

/** Longest texts as they are shown, from the contract; what does not fit cannot be decided about. */
const TITLE_CHARS = 80;
const DESCRIPTION_CHARS = 512;
const DETAIL_CHARS = 16_384;

const DECISIONS: readonly ApprovalDecision[] = ["allow-once", "allow-always", "deny"];

/** Approvals that plugins and tools ask for in their own words, `plugin.approval.*`. */
export class PluginApprovals extends ApprovalsOfKind {
  constructor(
    approvals: Approvals,
    private readonly limits: { pluginApprovalTimeoutMs: number },
  ) {
    super(approvals, "plugin");
  }

  async request(params: PluginApprovalRequestParams, caller: ApprovalCaller, asking: Asking): Promise<ApprovalDecided> {
    return this.ask(pluginDraft(params, this.limits.pluginApprovalTimeoutMs), caller, asking, params.twoPhase);
  }

  protected unavailable(approval: Approval): Error {
    return invalidRequest("allow-always is unavailable for this plugin approval", {
      allowedDecisions: [...allowedDecisions(approval)],
    });
  }
}

/** What `plugin.approval.request` asks for, fit to be shown. To refuse is always possible. @throws GatewayError */
export function pluginDraft(params: PluginApprovalRequestParams, timeoutMs: number): ApprovalDraft {
  const title = visible(params.title);
  const description = visibleLines(params.description);
  const detail = params.detail ? visibleLines(params.detail) : null;
  const fits = isShown(title, TITLE_CHARS) && isShown(description, DESCRIPTION_CHARS);
  if (!fits || (detail !== null && !isShown(detail, DETAIL_CHARS))) throw requestUnavailable();

  const wanted = params.allowedDecisions as readonly string[] | null | undefined;
  const allowed = DECISIONS.filter((decision) => decision === "deny" || !wanted || wanted.includes(decision));
  const { scope, severity } = params;
  const pluginId = text(params.pluginId);
  const toolName = text(params.toolName);
  const agentId = text(params.agentId);
  const sessionKey = text(params.sessionKey);
  const presentation: PluginApprovalPresentation = {
    kind: "plugin",
    title: title.trim(),
    description: description.trim(),
    ...(detail !== null && { detail: detail.trim() }),
    severity: severity ?? "warning",
    pluginId,
    toolName,
    agentId,
    ...(scope && { scope }),
    allowedDecisions: allowed,
  };
  const request = {
    pluginId,
    title,
    description,
    scope: scope ?? null,
    detail,
    severity: severity ?? null,
    toolName,
    toolCallId: text(params.toolCallId),
    ...(wanted && { allowedDecisions: allowed }),
    agentId,
    sessionKey,
    runId: null,
    turnSourceChannel: text(params.turnSourceChannel),
    turnSourceTo: text(params.turnSourceTo),
    turnSourceAccountId: text(params.turnSourceAccountId),
    turnSourceThreadId: params.turnSourceThreadId ?? null,
  };
  return {
    id: `plugin:${uuid()}`,
    kind: "plugin",
    request,
    presentation,
    source: { ...(agentId !== null && { agentId }), ...(sessionKey !== null && { sessionKey }) },
    timeoutMs: params.timeoutMs ?? timeoutMs,
    requireRoute: true,
    silent: false,
  };
}

const isShown = (value: string, chars: number): boolean => value.trim() !== "" && value.length <= chars;

const text = (value: string | null | undefined): string | null => (value?.trim() ? value : null);
