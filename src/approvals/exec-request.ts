import { createHash } from "node:crypto";
import type { ExecApprovalPresentation, ExecApprovalRequestParams } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { analyse } from "./command/analysis.ts";
import { commandLine, isShellRunning, runsScript, saysTheSame } from "./command/words.ts";
import { visible, visibleLines } from "./display.ts";
import type { ApprovalDecision, ApprovalDraft } from "./types.ts";

export interface ExecRequestLimits {
  execApprovalTimeoutMs: number;
  execApprovalCommandChars: number;
  approvalRequestBytes: number;
}

/** Ids of this kind of approval are made here, never by clients. */
const RESERVED_ID = /^plugin:/;
const ID = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/;

type Plan = NonNullable<ExecApprovalRequestParams["systemRunPlan"]>;

/**
 * What `exec.approval.request` asks for, checked and made fit to be shown (BEHAVIOUR section 9, docs: exec approvals).
 * For a node the plan counts: what it will run, where and for which session is taken from there. The text that people
 * see always says what is run: a plan whose text says something else is shown by its arguments.
 * @throws GatewayError
 */
export function execDraft(params: ExecApprovalRequestParams, limits: ExecRequestLimits): ApprovalDraft {
  const { host, nodeId } = params;
  const id = checkedId(params.id);
  if (host === "node" && !text(nodeId)) throw invalidRequest("nodeId is required for host=node");
  const plan = host === "node" ? params.systemRunPlan : undefined;
  if (host === "node" && !plan?.argv.length) throw invalidRequest("systemRunPlan is required for host=node");

  const raw = plan ? planText(plan) : commandText(params);
  const command = visible(raw);
  // A short form of the command, never another one.
  const preview = plan?.commandPreview && raw.includes(plan.commandPreview) ? plan.commandPreview : null;
  if (command.length > limits.execApprovalCommandChars) {
    throw invalidRequest("command exceeds exec approval display limit", {
      reason: "EXEC_APPROVAL_COMMAND_DISPLAY_LIMIT",
    });
  }
  const allowedDecisions = decisionsFor(params, plan);
  const agentId = text(plan ? plan.agentId : params.agentId);
  const sessionKey = text(plan ? plan.sessionKey : params.sessionKey);
  const warningText = text(params.warningText) === null ? null : visibleLines(params.warningText!);
  const request = {
    command,
    ...(params.commandArgv && { commandArgv: plan ? plan.argv : params.commandArgv }),
    ...environment(params.env),
    systemRunBinding: plan ? binding(plan, params.env) : null,
    systemRunPlan: plan ? { ...plan, commandText: raw, commandPreview: preview } : null,
    cwd: text(plan ? plan.cwd : params.cwd),
    nodeId: host === "node" ? nodeId : null,
    host: text(host),
    security: text(params.security),
    ask: text(params.ask),
    warningText,
    scope: params.scope ?? null,
    commandAnalysis: analyse(raw),
    ...spans(params, command),
    ...(params.unavailableDecisions && { unavailableDecisions: params.unavailableDecisions }),
    allowedDecisions,
    agentId,
    resolvedPath: text(params.resolvedPath),
    sessionKey,
    sessionId: text(params.sessionId),
    runId: text(params.runId),
    toolCallId: text(params.toolCallId),
    turnSourceChannel: text(params.turnSourceChannel),
    turnSourceTo: text(params.turnSourceTo),
    turnSourceAccountId: text(params.turnSourceAccountId),
    turnSourceThreadId: params.turnSourceThreadId ?? null,
    cronExecutionSource: null,
    cronOperationBinding: null,
  };
  if (Buffer.byteLength(JSON.stringify(request)) > limits.approvalRequestBytes) {
    throw invalidRequest("exec approval request is too large");
  }
  const presentation: ExecApprovalPresentation = {
    kind: "exec",
    commandText: command,
    commandPreview: preview === null ? null : visible(preview),
    warningText,
    host: request.host,
    nodeId: request.nodeId ?? null,
    agentId,
    ...(params.scope && { scope: params.scope }),
    allowedDecisions,
  };
  return {
    id,
    kind: "exec",
    request,
    presentation,
    source: { ...(agentId !== null && { agentId }), ...(sessionKey !== null && { sessionKey }) },
    timeoutMs: params.timeoutMs ?? limits.execApprovalTimeoutMs,
    requireRoute: params.requireDeliveryRoute !== false,
    silent: params.suppressDelivery === true,
  };
}

function checkedId(id: string | undefined): string {
  if (id === undefined) return uuid();
  if (!ID.test(id)) {
    throw invalidRequest(
      "approval id must be 1-128 characters using only letters, numbers, '.', '_', ':', or '-', and cannot be '.' or '..'",
      { code: "EXEC_APPROVAL_ID_INVALID", reason: "INVALID_APPROVAL_ID" },
    );
  }
  if (RESERVED_ID.test(id)) throw invalidRequest("approval ids starting with plugin: are reserved");
  return id;
}

/** What a plan runs, as people read it: its own text only if that says the same as the arguments. */
const planText = ({ argv, commandText }: Plan): string =>
  saysTheSame(commandText, argv) ? commandText : commandLine(argv);

function commandText({ command, commandArgv }: ExecApprovalRequestParams): string {
  if (command === undefined || command.trim() === "") throw invalidRequest("command is required");
  if (commandArgv?.length && !saysTheSame(command, commandArgv) && !isShellRunning(command, commandArgv)) {
    throw invalidRequest("command and commandArgv say different things");
  }
  return command;
}

/**
 * Who is always asked may not be asked to decide for all times; nor may a script be allowed for all times whose contents
 * the node has not pinned (KNOWN_ATTACKS 75).
 */
function decisionsFor({ unavailableDecisions }: ExecApprovalRequestParams, plan: Plan | undefined): ApprovalDecision[] {
  const isUnpinned = plan !== undefined && runsScript(plan.argv) && !plan.mutableFileOperand;
  const isLasting = !isUnpinned && !unavailableDecisions?.includes("allow-always");
  return isLasting ? ["allow-once", "allow-always", "deny"] : ["allow-once", "deny"];
}

/** The names of the variables that are set; their values are nobody's business. */
function environment(env: Record<string, string> | undefined): { envKeys?: string[] } {
  const envKeys = Object.keys(env ?? {}).sort();
  return envKeys.length > 0 ? { envKeys } : {};
}

/** What an approved run must agree with. The environment is compared by its hash. */
const binding = ({ argv, cwd, agentId, sessionKey }: Plan, env: Record<string, string> | undefined) => ({
  argv,
  cwd,
  agentId,
  sessionKey,
  envHash: environmentHash(env),
});

/** A hash of the variables and their values in the order of their names; null without any. */
export function environmentHash(env: Readonly<Record<string, unknown>> | undefined): string | null {
  const entries = Object.entries(env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length > 0 ? createHash("sha256").update(JSON.stringify(entries)).digest("hex") : null;
}

/** Marks within the command, if they still fit the text that is shown. */
function spans({ command, commandSpans }: ExecApprovalRequestParams, shown: string) {
  const fit = commandSpans?.every(({ startIndex, endIndex }) => startIndex < endIndex && endIndex <= shown.length);
  return fit && command === shown ? { commandSpans } : {};
}

/** A text without meaning is none. */
const text = (value: string | null | undefined): string | null => (value?.trim() ? value : null);
