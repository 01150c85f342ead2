import { TOOL_ALIASES } from "../../generated/tools.ts";
import type { ToolsInvokeParams, ToolsInvokeResult } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { ownerRequired } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict } from "../models/settings.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { SessionState, SessionsPort } from "../sessions/types.ts";
import { InvalidArguments } from "./arguments.ts";
import { Refused, type ToolHost } from "./host.ts";
import { namesTool } from "./policy.ts";
import { entryOf } from "./registry.ts";
import { subjectOf } from "./subject.ts";
import { ToolError } from "./types.ts";

/** Who invokes a tool by hand. */
export interface Invoking {
  isOwner: boolean;
  signal: AbortSignal;
  /** Headers of an HTTP call may name the channel whose policy counts. */
  channel?: string;
  /** An argument `action` given beside the others, for tools that take one. */
  action?: string;
}

export interface InvokerDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Pick<SessionsPort, "find" | "canonicalKey">;
  host: ToolHost;
  log: Logger;
}

/** Why a call from outside a run gave no result. `status` is that of HTTP. */
export interface InvokeFailure {
  code: "not_found" | "validation_error" | "forbidden" | "tool_error";
  status: 400 | 403 | 404 | 500;
  message: string;
}

export type Invoked = { ok: true; output: unknown } | ({ ok: false } & InvokeFailure);

/** What nobody may do to the gateway by a plain request (docs: gateway/tools-invoke-http-api). */
const REFUSED_BY_DEFAULT = [
  "spawn",
  "shell",
  "fs_write",
  "fs_delete",
  "fs_move",
  "sessions_spawn",
  "sessions_send",
  "automations",
  "gateway",
  "nodes",
];

/** What people see beside the conversation that it was called in; outside of turns there is none. */
const OF_TURNS: readonly string[] = ["suggest_task", "dismiss_task"];

/**
 * Calls of tools from outside a run, `tools.invoke` and `POST /tools/invoke`: through the same policy and the same
 * defender as the calls of models. Tools that reach files and commands of this machine are never invoked this way.
 */
export class ToolInvoker {
  constructor(private readonly deps: InvokerDeps) {}

  /** The answer of `tools.invoke`; that a tool is not there, or failed, is part of it. */
  async answer(params: ToolsInvokeParams, who: Invoking): Promise<ToolsInvokeResult> {
    const { name, shown } = nameOf(params.name);
    const owner = /^agent:([^:]+):/i.exec(params.sessionKey ?? "")?.[1]?.toLowerCase();
    if (owner !== undefined && params.agentId !== undefined && owner !== params.agentId) {
      const remedy = `The agent-scoped session key belongs to "${owner}", not "${params.agentId}".`;
      throw ownerRequired("session agent resolution", remedy);
    }
    const invoked = await this.invoke({ ...params, name }, who);
    if (invoked.ok) return { ok: true, toolName: shown, output: invoked.output, source: "core" };
    const code = invoked.code === "tool_error" ? "internal_error" : invoked.code;
    return { ok: false, toolName: shown, error: { code, message: invoked.message } };
  }

  /** @throws GatewayError for a session that is nobody's, or the signal's reason */
  async invoke(params: ToolsInvokeParams, who: Invoking): Promise<Invoked> {
    const { agents, config, host, log } = this.deps;
    const { name, shown } = nameOf(params.name);
    if (params.agentId !== undefined && !agents.find(params.agentId)) {
      return failed("validation_error", 400, `Unknown agent id "${params.agentId}"`);
    }
    const missing = failed("not_found", 404, `Tool not available: ${shown}`);
    const session = await this.session(params);
    if (session === null) return missing;
    const { provider, id: model } = agents.model(session.agentId) ?? {};
    const roster = agents.roster;
    const subject = subjectOf({ config: config.current, roster }, session, { isOwner: who.isOwner, provider, model });
    if (who.channel !== undefined) subject.channel = who.channel;
    if (this.isRefused(name)) return missing;
    const offered = await host.offered(subject, "none").catch(() => []);
    const tool = offered.find((each) => each.name === name);
    if (tool === undefined) return missing;
    const takesAction = who.action !== undefined && dict(tool.parameters.properties).action !== undefined;
    const args = { ...(takesAction ? { action: who.action } : {}), ...params.args };
    const runId = uuid();
    const context = {
      agentId: session.agentId,
      sessionKey: session.key,
      sessionId: session.sessionId,
      runId,
      toolCallId: `invoke:${params.idempotencyKey ?? runId}`,
      workspace: agents.required(session.agentId).workspace,
      isOwner: who.isOwner,
      origin: who.isOwner ? ("owner" as const) : ("paired-user" as const),
      isSandboxed: subject.isSandboxed,
      signal: who.signal,
      onUpdate: () => {},
    };
    try {
      const { content, details } = await host.invoke(name, args, context, subject);
      return { ok: true, output: { content, ...(details ? { details } : {}) } };
    } catch (error) {
      if (who.signal.aborted) throw who.signal.reason;
      if (error instanceof InvalidArguments) return failed("tool_error", 400, error.short);
      if (error instanceof Refused) return failed("forbidden", 403, error.message);
      if (error instanceof ToolError) return failed("tool_error", 500, error.message);
      log.error("an invoked tool failed", { tool: name, error });
      return failed("tool_error", 500, "tool execution failed");
    }
  }

  /** Null for a key of an agent that there is none of. */
  private async session({ sessionKey, agentId }: ToolsInvokeParams): Promise<SessionState | null> {
    const { agents, sessions } = this.deps;
    const key = sessions.canonicalKey(sessionKey?.trim() || "main", agentId);
    const found = await sessions.find(key);
    if (found) return found;
    const owner = /^agent:([^:]+):/.exec(key)?.[1] ?? agents.roster.defaultId;
    return agents.find(owner) ? { ...NEW_SESSION, key, agentId: owner } : null;
  }

  /** `gateway.tools.allow` takes tools from the list that is refused by default, `gateway.tools.deny` puts some on it. */
  private isRefused(name: string): boolean {
    if (entryOf(name)?.primitive === true || OF_TURNS.includes(name)) return true;
    const { allow, deny } = dict(dict(this.deps.config.current.gateway).tools);
    if (namesTool(deny, name)) return true;
    return REFUSED_BY_DEFAULT.includes(name) && !namesTool(allow, name);
  }
}

/** A session that nobody has used: as a call finds it, and as it stays. */
const NEW_SESSION = {
  sessionId: "",
  modelOverride: null,
  thinkingLevel: null,
  sendPolicy: null,
  archived: false,
  goal: null,
  spawnDepth: 0,
} as const;

/** The tool's own name, and the one that the answer bears: upstream keeps names of tools that are never invoked. */
function nameOf(given: string): { name: string; shown: string } {
  const trimmed = given.trim();
  if (trimmed === "") throw invalidRequest("invalid tools.invoke params: name required");
  const name = Object.hasOwn(TOOL_ALIASES, trimmed) ? TOOL_ALIASES[trimmed]! : trimmed;
  return { name, shown: entryOf(name)?.primitive ? trimmed : name };
}

const failed = (code: InvokeFailure["code"], status: InvokeFailure["status"], message: string): Invoked => ({
  ok: false,
  code,
  status,
  message,
});
