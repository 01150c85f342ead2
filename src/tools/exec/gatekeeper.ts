import { tmpdir } from "node:os";
import { analyse } from "../../approvals/command/analysis.ts";
import type { AgentExecPolicy, ExecPolicy } from "../../approvals/exec-policy.ts";
import type { ExecRequestLimits } from "../../approvals/exec-request.ts";
import type { ApprovalsPort } from "../../approvals/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import { aboutAction } from "../about.ts";
import type { ToolContext, ToolResult } from "../types.ts";
import type { AllowEntry } from "./allow-list.ts";
import { askPeople, denialOf } from "./approval.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import type { ExecCall } from "./exec-args.ts";
import { denied, ExecRefusal } from "./results.ts";
import { type ExecAsk, type ExecSecurity, type ExecSettings, stricterAsk, stricterSecurity } from "./settings.ts";
import { plainShell, shellOf } from "./shell.ts";

/** A command that is about to be started on this machine. */
export interface ExecRequest {
  call: ExecCall;
  /** Absolute. */
  cwd: string;
  env: Record<string, string>;
  settings: ExecSettings;
  context: ToolContext;
}

/** What is started, or what the model is told instead. */
export type Permit = { argv: readonly string[] } | { denied: ToolResult };

export interface GatekeeperDeps {
  defender: Pick<DefenderPort, "judge">;
  /** The list of allowed commands. */
  policy: Pick<ExecPolicy, "of" | "allow" | "used">;
  approvals: ApprovalsPort;
  limits: ExecRequestLimits;
}

/** What the defender is asked about. */
interface Judged {
  command: string;
  cwd: string;
  env: Record<string, string>;
  host: "gateway" | "sandbox";
  context: ToolContext;
}

interface Rules {
  security: ExecSecurity;
  ask: ExecAsk;
  /** What holds where nobody can be asked. */
  fallback: ExecSecurity;
  allowlist: AllowEntry[];
}

/**
 * Decides whether a command is started on this machine: the stricter of the configuration and the document of exec
 * approvals, the list of allowed commands, the defender, and people where these want them asked.
 */
export class Gatekeeper {
  constructor(private readonly deps: GatekeeperDeps) {}

  /** @throws ExecRefusal, or the signal's reason */
  async permit(request: ExecRequest): Promise<Permit> {
    const { call, cwd, env, settings, context } = request;
    const rules = rulesOf(settings, await this.deps.policy.of(context.agentId), call.ask);
    requireNotDenied(rules);
    const warning = await this.judge({ command: call.command, cwd, env: call.env, host: "gateway", context });
    const isInline = settings.strictInlineEval && analyse(call.command).riskKinds.includes("inline-eval");
    const isExplicit = warning !== undefined || isInline;
    if (rules.security === "full" && rules.ask === "off" && !isExplicit) return { argv: shell(shellOf(env), call) };

    const evaluation = await this.evaluate(request, rules);
    const isMiss = rules.security === "allowlist" && !evaluation.isAllowed;
    if (!isExplicit && rules.ask !== "always" && !(isMiss && rules.ask === "on-miss")) {
      if (isMiss) throw new ExecRefusal("exec denied: allowlist miss");
      return this.unasked(request, rules, evaluation);
    }
    return this.asked(request, rules, evaluation, { warning, isExplicit });
  }

  /**
   * Asks the defender about a command that a sandbox confines, and people where it wants them asked; the policy of this
   * machine is not about it. Null when it may be started. @throws ExecRefusal, or the signal's reason
   */
  async confined({ call, cwd, settings, context }: Omit<ExecRequest, "env">): Promise<ToolResult | null> {
    return this.screened({ command: call.command, cwd, env: call.env, host: "sandbox", context }, settings);
  }

  /**
   * The same for lines that are typed into a command that is at work already, which may be a shell.
   * @throws ExecRefusal, or the signal's reason
   */
  async typed(lines: string, cwd: string, context: ToolContext): Promise<ToolResult | null> {
    const host = context.isSandboxed ? "sandbox" : "gateway";
    return this.screened({ command: lines, cwd, env: {}, host, context }, { security: "full", ask: "off" });
  }

  private async screened(
    subject: Judged,
    { security, ask }: Pick<ExecSettings, "security" | "ask">,
  ): Promise<ToolResult | null> {
    const { command, cwd, env, host, context } = subject;
    const warning = await this.judge(subject);
    if (warning === undefined) return null;
    const facts = { security, ask, resolvedPath: null, mayLast: false, warning, context };
    const question = { command, cwd, host, variables: env, ...facts };
    const approval = await askPeople(this.deps.approvals, question, this.deps.limits);
    const why = denialOf(approval);
    return why === null ? null : denied(`Exec denied (${host} id=${approval.id}, ${why}): ${command}`, cwd);
  }

  /** A reason for people to look at it, when the defender wants that. @throws ExecRefusal for what it blocks */
  private async judge({ command, cwd, env, host, context }: Judged): Promise<string | undefined> {
    const { verdict, findings } = await this.deps.defender.judge(
      { kind: "command", command, cwd, env, host },
      aboutAction(context),
    );
    if (verdict === "allow") return undefined;
    const reason = findings[0]?.reason ?? "";
    if (verdict === "block") throw new ExecRefusal(`exec denied by the defender. ${reason}`.trim());
    return reason || "The defender wants somebody to look at this command.";
  }

  private evaluate({ call, cwd, env, settings, context }: ExecRequest, { allowlist }: Rules): Promise<Evaluation> {
    const writable = [context.workspace, cwd, tmpdir(), "/tmp", "/var/tmp"];
    const { command, env: variables } = call;
    return evaluate({ command, cwd, variables, path: env.PATH!, writable, entries: allowlist, settings });
  }

  /** What the list allows runs just as it was looked at; otherwise the policy lets everything run. */
  private unasked({ call, env, context }: ExecRequest, { security }: Rules, { pinned, used }: Evaluation): Permit {
    if (security === "full") return { argv: shell(shellOf(env), call) };
    const ids = used.flatMap(({ id }) => (id === undefined ? [] : [id]));
    if (ids.length > 0) void this.deps.policy.used(context.agentId, ids);
    return { argv: [plainShell(env), "-c", pinned!] };
  }

  private async asked(
    request: ExecRequest,
    { security, ask, fallback }: Rules,
    evaluation: Evaluation,
    { warning, isExplicit }: { warning: string | undefined; isExplicit: boolean },
  ): Promise<Permit> {
    const { call, cwd, env, context } = request;
    const { approvals, policy, limits } = this.deps;
    const { lasting, resolvedPath } = evaluation;
    const mayLast = !isExplicit && ask !== "always" && lasting !== null;
    const facts = { security, ask, resolvedPath, mayLast, warning, context };
    const question = { command: call.command, cwd, host: "gateway" as const, variables: call.env, ...facts };
    const approval = await askPeople(approvals, question, limits);
    const why = denialOf(approval);
    const isUnanswered = approval.reason === "timeout" || approval.reason === "no-route";
    if (why !== null && isUnanswered && !isExplicit && mayRunUnanswered(security, fallback, evaluation)) {
      return { argv: shell(shellOf(env), call) };
    }
    const refuse = (reason: string): Permit => ({
      denied: denied(`Exec denied (gateway id=${approval.id}, ${reason}): ${call.command}`, cwd),
    });
    if (why !== null) return refuse(why);
    // Who decided has seen the command, not what others have made of its programs meanwhile (KNOWN_ATTACKS 75).
    const now = rulesOf(request.settings, await policy.of(context.agentId), call.ask);
    if (now.security === "deny") return refuse("policy-changed");
    const after = await this.evaluate(request, now);
    if (after.binding !== evaluation.binding) return refuse("program-changed");
    if (approval.decision === "allow-always" && lasting !== null) await policy.allow(context.agentId, lasting);
    return { argv: shell(shellOf(env), call) };
  }
}

/** `ask` of the call only makes stricter what asks at all (docs: tools/exec, Parameters). */
function rulesOf(settings: ExecSettings, document: AgentExecPolicy, callAsk: ExecAsk | undefined): Rules {
  const { security, ask, obeysDocument } = settings;
  const host = obeysDocument ? document : { ...document, security: undefined, ask: undefined };
  const hostAsk = stricterAsk(ask, (host.ask as ExecAsk | undefined) ?? ask);
  return {
    security: stricterSecurity(security, (host.security as ExecSecurity | undefined) ?? security),
    ask: hostAsk === "off" ? "off" : stricterAsk(hostAsk, callAsk ?? hostAsk),
    fallback: (host.askFallback as ExecSecurity | undefined) ?? "deny",
    allowlist: host.allowlist as AllowEntry[],
  };
}

function requireNotDenied({ security }: Rules): void {
  if (security === "deny") throw new ExecRefusal("exec denied: host=gateway security=deny");
}

/** Where nobody answered: the stricter of the policy and its fallback decides (KNOWN_ATTACKS 77). */
function mayRunUnanswered(security: ExecSecurity, fallback: ExecSecurity, { isAllowed }: Evaluation): boolean {
  const limit = stricterSecurity(security, fallback);
  return limit === "full" || (limit === "allowlist" && isAllowed);
}

const shell = (program: string, { command }: ExecCall): string[] => [program, "-c", command];
