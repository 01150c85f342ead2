import type { ExecRequestLimits } from "../../approvals/exec-request.ts";
import { type ApprovalsPort, RUN_REQUESTER } from "../../approvals/types.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import { dict } from "../../models/settings.ts";
import { commandConfig, commandRefusal } from "../../nodes/command-policy.ts";
import { payloadOf } from "../../nodes/invoke-answers.ts";
import type { NodeInvokes } from "../../nodes/invokes.ts";
import type { NodeSessions } from "../../nodes/node-sessions.ts";
import { type RunContext, runParams } from "../../nodes/run-params.ts";
import type { NodeSession } from "../../nodes/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { GatewayError } from "../../platform/errors.ts";
import { uuid } from "../../platform/ids.ts";
import { aboutAction } from "../about.ts";
import type { ToolContext, ToolResult } from "../types.ts";
import { askPeople, denialOf } from "./approval.ts";
import type { ExecCall } from "./exec-args.ts";
import { denied, ExecRefusal, ended } from "./results.ts";
import { type ExecAsk, type ExecSecurity, type ExecSettings, stricterAsk, stricterSecurity } from "./settings.ts";

export interface NodeExecDeps {
  nodes: {
    sessions: Pick<NodeSessions, "all">;
    invokes: Pick<NodeInvokes, "ask">;
    permissions: RunContext["permissions"];
  };
  config: ConfigPort;
  defender: Pick<DefenderPort, "judge">;
  approvals: ApprovalsPort;
  clock: Clock;
  limits: ExecRequestLimits & { execOutputChars: number };
}

interface Request {
  call: ExecCall;
  settings: ExecSettings;
  context: ToolContext;
}

const RUN = "system.run";
const PREPARE = "system.run.prepare";
/** For the way there and back, and for the node to end the command. */
const TRANSPORT_MS = 15_000;
const DAY_MS = 86_400_000;

/** Runs commands on paired nodes, which judge them once more by their own policy (docs: nodes/node-exec). */
export class NodeExec {
  constructor(private readonly deps: NodeExecDeps) {}

  /** @throws ExecRefusal, or the signal's reason */
  async run(request: Request): Promise<ToolResult> {
    const { call, settings, context } = request;
    if (settings.security === "deny") throw new ExecRefusal("exec denied: host=node security=deny");
    const node = this.target(call.node ?? settings.node);
    const warning = await this.judge(request);
    const argv = shellFor(node, call.command);
    const prepared = await this.prepare(node, argv, request);
    const security = stricterSecurity(settings.security, prepared.security);
    const ask = askOf(stricterAsk(settings.ask, prepared.ask), call.ask);
    if (security === "deny") throw new ExecRefusal("exec denied: host=node security=deny");
    // What the node's list allows only the node knows: here it counts as not listed.
    const isMiss = security === "allowlist";
    if (warning === undefined && ask !== "always" && !(isMiss && ask === "on-miss")) {
      if (isMiss) throw new ExecRefusal("exec denied: allowlist miss");
      return this.perform(
        node,
        { ...common(request), command: argv, rawCommand: call.command, runId: uuid() },
        request,
      );
    }
    const question = { command: call.command, variables: call.env, security, ask, resolvedPath: null, context };
    const place = { cwd: call.workdir, host: "node" as const, node: { id: node.nodeId, plan: prepared.plan } };
    const mayLast = warning === undefined && ask !== "always";
    const approval = await askPeople(
      this.deps.approvals,
      { ...question, ...place, mayLast, warning },
      this.deps.limits,
    );
    const why = denialOf(approval);
    if (why !== null) {
      return denied(`Exec denied (node=${node.nodeId} id=${approval.id}, ${why}): ${call.command}`, call.workdir);
    }
    const params = { ...common(request), runId: approval.id, approved: true, approvalDecision: approval.decision };
    return this.perform(node, await this.approved(node, params, context), request);
  }

  /** The node that is meant, or the only one that runs commands. */
  private target(wanted: string | undefined): NodeSession {
    const config = commandConfig(this.deps.config.current);
    const able = [...this.deps.nodes.sessions.all()].filter((node) => commandRefusal(RUN, node, config) === null);
    if (able.length === 0) {
      throw new ExecRefusal(
        "exec host=node requires a paired node (none available). This requires a companion app or node host.",
      );
    }
    const named = wanted === undefined ? able : able.filter((node) => isCalled(node, wanted));
    if (named.length === 1) return named[0]!;
    const names = (named.length > 1 ? named : able).map(({ nodeId, facts }) => facts.displayName ?? nodeId).join(", ");
    throw new ExecRefusal(
      named.length > 1
        ? `exec host=node: several nodes can run commands (${names}); choose one with node.`
        : `exec host=node: no connected node that runs commands is called "${wanted}" (there are: ${names}).`,
    );
  }

  private async judge({ call, context }: Request): Promise<string | undefined> {
    const { verdict, findings } = await this.deps.defender.judge(
      { kind: "command", command: call.command, cwd: call.workdir, env: call.env, host: "node" },
      aboutAction(context),
    );
    if (verdict === "allow") return undefined;
    const reason = findings[0]?.reason ?? "";
    if (verdict === "block") throw new ExecRefusal(`exec denied by the defender. ${reason}`.trim());
    return reason || "The defender wants somebody to look at this command.";
  }

  /** What the node will run, in its own words, and what its own policy says. A node without the command runs all. */
  private async prepare(node: NodeSession, argv: string[], request: Request) {
    const none = { plan: null, security: "full" as ExecSecurity, ask: "off" as ExecAsk };
    if (commandRefusal(PREPARE, node, commandConfig(this.deps.config.current)) !== null) return none;
    const { agentId, sessionKey } = request.context;
    const { workdir, command: rawCommand } = request.call;
    const params = { command: argv, rawCommand, ...(workdir && { cwd: workdir }), agentId, sessionKey };
    const answer = dict(await this.ask(node, PREPARE, params, request, TRANSPORT_MS));
    const { security, ask } = dict(answer.execPolicy);
    return {
      plan: answer.plan,
      security: SECURITY.has(security) ? (security as ExecSecurity) : "full",
      ask: ASK.has(ask) ? (ask as ExecAsk) : "off",
    };
  }

  /** The params of an approved run: what was approved, whatever else is known (KNOWN_ATTACKS 70, 74). */
  private async approved({ nodeId }: NodeSession, params: object, { runId }: ToolContext): Promise<unknown> {
    const { permissions } = this.deps.nodes;
    const caller = { connId: `${RUN_REQUESTER}${runId}` };
    try {
      return await runParams(params, { nodeId, caller, permissions });
    } catch (error) {
      if (error instanceof GatewayError) throw new ExecRefusal(`exec denied: ${error.message}`);
      throw error;
    }
  }

  private async perform(node: NodeSession, params: unknown, request: Request): Promise<ToolResult> {
    const { clock, limits } = this.deps;
    const startedAt = clock.now();
    const { timeoutSeconds, workdir } = request.call;
    const waitMs = timeoutSeconds === 0 ? DAY_MS : timeoutSeconds * 1000 + TRANSPORT_MS;
    const { stdout, stderr, error, exitCode, timedOut, success } = dict(
      await this.ask(node, RUN, params, request, waitMs),
    );
    const said = [stdout, stderr, error].filter((part) => typeof part === "string" && part.trim() !== "");
    const output = said.map((part) => String(part).trimEnd()).join("\n");
    const code = typeof exitCode === "number" ? exitCode : success === true ? 0 : 1;
    return ended({
      output: output.slice(-limits.execOutputChars),
      isCut: output.length > limits.execOutputChars,
      cwd: workdir === "" ? null : workdir,
      startedAt,
      ending: {
        code: timedOut === true ? null : code,
        signal: null,
        reason: timedOut === true ? "overall-timeout" : "exit",
        endedAt: clock.now(),
      },
      timeoutSeconds,
      more: { host: "node", node: { id: node.nodeId, name: node.facts.displayName ?? node.nodeId } },
    });
  }

  /** @throws ExecRefusal with the node's words, or the signal's reason */
  private async ask(node: NodeSession, command: string, params: unknown, { context }: Request, timeoutMs: number) {
    const { signal } = context;
    signal.throwIfAborted();
    const outcome = await this.deps.nodes.invokes
      .ask(node.nodeId, command, params, { timeoutMs, signal })
      .catch((error: unknown) => {
        if (error instanceof GatewayError) throw new ExecRefusal(error.message);
        throw error;
      });
    signal.throwIfAborted();
    if (outcome.ok) return payloadOf(outcome);
    throw new ExecRefusal(outcome.error?.message ?? `the node failed (${outcome.error?.code ?? command})`);
  }
}

/** What a run is told of besides its command. */
function common({ call, context }: Request): Record<string, unknown> {
  const { workdir, env, timeoutSeconds } = call;
  const { agentId, sessionKey } = context;
  return {
    ...(workdir !== "" && { cwd: workdir }),
    ...(Object.keys(env).length > 0 && { env }),
    ...(timeoutSeconds > 0 && { timeoutMs: timeoutSeconds * 1000 }),
    agentId,
    sessionKey,
    suppressNotifyOnExit: true,
  };
}

const SECURITY: ReadonlySet<unknown> = new Set(["deny", "allowlist", "full"]);
const ASK: ReadonlySet<unknown> = new Set(["off", "on-miss", "always"]);

/** A call only makes stricter what asks at all. */
const askOf = (ask: ExecAsk, callAsk: ExecAsk | undefined): ExecAsk =>
  ask === "off" ? "off" : stricterAsk(ask, callAsk ?? ask);

function shellFor({ facts }: NodeSession, command: string): string[] {
  const isWindows = /^win/i.test(facts.platform ?? "");
  return isWindows ? ["cmd.exe", "/d", "/s", "/c", command] : ["/bin/sh", "-lc", command];
}

/** By id, the beginning of one, name or address. */
function isCalled({ nodeId, facts }: NodeSession, wanted: string): boolean {
  const name = wanted.trim().toLowerCase();
  const isPrefix = name.length >= 6 && nodeId.startsWith(name);
  return nodeId === name || isPrefix || facts.displayName?.toLowerCase() === name || facts.remoteIp === name;
}
