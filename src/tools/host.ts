import type { ConfigPort } from "../config/types.ts";
import { withoutOwnMarks } from "../defender/external-content.ts";
import type { DefenderPort, Finding } from "../defender/types.ts";
import type { Logger } from "../platform/logger.ts";
import { aboutAction } from "./about.ts";
import { checkedArguments, InvalidArguments } from "./arguments.ts";
import { grantedTools, isServerTool, toolName } from "./policy.ts";
import type { ToolRegistry } from "./registry.ts";
import { boundedResult, failedResult, mapTexts, type ResultLimits, refusedResult } from "./results.ts";
import {
  type Tool,
  type ToolContext,
  ToolError,
  type ToolHostPort,
  type ToolResult,
  type ToolSubject,
} from "./types.ts";
import { throttledUpdates } from "./updates.ts";

/**
 * Asks a person whether a call may be made; `shown` are the arguments without credentials. Resolves with null when
 * somebody agreed, else with why nobody did. Rejects with the signal's reason.
 */
export type AskPerson = (
  call: { name: string; args: Record<string, unknown>; shown: Record<string, unknown>; reason: string },
  context: ToolContext,
) => Promise<string | null>;

/** Tools that are not the same for all sessions. Implemented by `tools/mcp/servers.ts`. */
export interface SessionTools {
  /** @param mayConnect false for those alone that were found already */
  tools(subject: ToolSubject, mayConnect: boolean): Promise<Tool[]>;
}

export interface ToolHostOptions {
  config: ConfigPort;
  registry: ToolRegistry;
  /** Where a session gets more tools from. */
  servers?: SessionTools;
  defender: DefenderPort;
  log: Logger;
  limits: ResultLimits & { toolUpdateIntervalMs: number };
}

/** Some level of the configuration lists the tools that are allowed, and none of them is there. */
export class NoToolsLeft extends ToolError {}

/** The reason that a call was not made at all, beside that its arguments were wrong. */
export class Refused extends ToolError {}

/** Grants tools to agents and runs their calls. */
export class ToolHost implements ToolHostPort {
  /** Without it nobody can be asked, and what needs agreement is refused. */
  private ask: AskPerson = async () => "";

  constructor(private readonly options: ToolHostOptions) {}

  /** Names who is asked about calls that need a person's agreement. */
  useReviews(ask: AskPerson): void {
    this.ask = ask;
  }

  /**
   * @param servers whether servers of tools may be connected now, only those count that are, or none
   * @throws NoToolsLeft when the configuration lists what is allowed and nothing of it is there
   */
  async offered(subject: ToolSubject, servers: "connect" | "connected" | "none" = "connect"): Promise<Tool[]> {
    const { config, registry } = this.options;
    const more = servers === "none" ? [] : await this.options.servers?.tools(subject, servers === "connect");
    const known = [...registry.all(), ...(more ?? [])];
    const { names, isListed } = grantedTools(
      config.current,
      subject,
      known.map(({ name }) => name),
    );
    const granted = new Set(names);
    const offered = known.filter((tool) => granted.has(tool.name) && (tool.isAvailable?.(subject) ?? true));
    if (isListed && offered.length === 0) {
      throw new NoToolsLeft("The configuration allows this agent only tools that are not there; see tools.allow.");
    }
    return offered;
  }

  async call(
    name: string,
    args: Record<string, unknown>,
    context: ToolContext,
    subject: ToolSubject,
  ): Promise<ToolResult> {
    try {
      return await this.invoke(name, args, context, subject);
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      return this.shown(this.failure(name, error, context));
    }
  }

  /**
   * The same for a caller who tells failures himself.
   * @throws InvalidArguments, Refused for a call that was not made, ToolError, and whatever else the tool throws
   */
  async invoke(
    name: string,
    args: Record<string, unknown>,
    context: ToolContext,
    subject: ToolSubject,
  ): Promise<ToolResult> {
    context.signal.throwIfAborted();
    const updates = throttledUpdates(
      (partial) => context.onUpdate(this.shown(partial)),
      this.options.limits.toolUpdateIntervalMs,
    );
    try {
      const result = await this.perform(name, args, { ...context, onUpdate: updates.push }, subject);
      return await this.screened(this.shown(result), name, context);
    } finally {
      updates.end();
    }
  }

  private async perform(
    called: string,
    given: Record<string, unknown>,
    context: ToolContext,
    subject: ToolSubject,
  ): Promise<ToolResult> {
    const name = toolName(called);
    const isServers = isServerTool(called);
    const isKnown = isServers || this.options.registry.find(name) !== undefined;
    const offered = isKnown ? await this.offered(subject, isServers ? "connected" : "none") : [];
    const tool = offered.find((each) => each.name === (isServers ? called : name));
    if (tool === undefined) throw new Refused(`Tool ${called} not found`);
    const args = tool.checksArguments ? given : await checkedArguments(tool, given);
    const isAgreed = await this.judge(tool.name, args, context);
    context.signal.throwIfAborted();
    const agree: ToolContext["agree"] = (deed, reason) =>
      this.ask({ name: tool.name, args: deed, shown: mapTexts(args, (text) => this.masked(text)), reason }, context);
    return tool.run(args, { ...context, isAgreed, agree, offered: new Set(offered.map((each) => each.name)) });
  }

  /** Whether a person had to agree, and did. @throws Refused with the reason of the rule that decided */
  private async judge(name: string, args: Record<string, unknown>, context: ToolContext): Promise<boolean> {
    const { verdict, findings } = await this.options.defender.judge({ kind: "tool", name, args }, aboutAction(context));
    if (verdict === "allow") return false;
    const reason = reasonOf(findings);
    const shown = mapTexts(args, (text) => this.masked(text));
    const refusal = verdict === "review" ? await this.ask({ name, args, shown, reason }, context) : "";
    if (refusal === null) return true;
    throw new Refused(["The defender does not let this call pass.", reason, refusal].filter(Boolean).join(" "));
  }

  /** Within its bounds and without credentials: what clients, the transcript and the model are given. */
  private shown(result: ToolResult): ToolResult {
    const bounded = boundedResult(result, this.options.limits);
    return {
      ...bounded,
      content: bounded.content.map((part) => (part.type === "text" ? { ...part, text: this.masked(part.text) } : part)),
      ...(bounded.details ? { details: mapTexts(bounded.details, (text) => this.masked(text)) } : {}),
    };
  }

  private masked(text: string): string {
    const stream = this.options.defender.stream();
    return stream.push(text) + stream.end();
  }

  /** What a tool brings in may hold orders of strangers. What the defender does not let pass reaches no model. */
  private async screened(result: ToolResult, name: string, context: ToolContext): Promise<ToolResult> {
    const text = result.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
    const { sessionKey, runId } = context;
    const decision = await this.options.defender.screen(withoutOwnMarks(text), {
      direction: "inbound",
      origin: "tool-result",
      sessionKey,
      runId,
      actor: `tool:${name}`,
    });
    if (decision.verdict === "allow") return result;
    const reason = reasonOf(decision.findings);
    return refusedResult(`The defender holds back what ${name} returned. ${reason}`.trim());
  }

  private failure(name: string, error: unknown, { sessionKey, runId }: ToolContext): ToolResult {
    if (error instanceof InvalidArguments || error instanceof Refused) return refusedResult(error.message);
    if (error instanceof ToolError) return failedResult(name, error.message);
    this.options.log.error("a tool failed", { tool: name, sessionKey, runId, error });
    return failedResult(name, "The tool failed for a reason that only the log of the gateway tells.");
  }
}

const reasonOf = ([first]: readonly Finding[]): string => first?.reason ?? "";
