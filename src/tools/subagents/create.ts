import { LIMITS } from "../../../generated/limits.ts";
import type { AgentCatalogue } from "../../agents/catalogue.ts";
import type { SubagentRecord } from "../../agents/subagents/subagent-repository.ts";
import type { Subagents } from "../../agents/subagents/subagents.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Models } from "../../models/models.ts";
import { refOf } from "../../models/references.ts";
import { dict, modelChoice, text } from "../../models/settings.ts";
import { GatewayError } from "../../platform/errors.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { grantedTools, maxSpawnDepth } from "../policy.ts";
import type { ToolRegistry } from "../registry.ts";
import { spawnTargets } from "../sessions/agents.ts";
import { subjectOf } from "../subject.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import { agentsWaitTool } from "./collect.ts";
import { sessionsYieldTool, type YieldDeps } from "./yield.ts";

export interface SubagentToolsDeps extends YieldDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  models: Models;
  sessions: Sessions;
  subagents: Subagents;
  registry: ToolRegistry;
  defender: Pick<DefenderPort, "screen">;
}

const MOST_TASK_CHARS = 50_000;
const MOST_WAIT_SECONDS = 60;
const POLL_MS = 250;

/** The tools by which an agent gives tasks to subagents and looks after them. */
export function subagentTools(deps: SubagentToolsDeps): Tool[] {
  return [spawnTool(deps), subagentsTool(deps), agentsWaitTool(deps.subagents), sessionsYieldTool(deps)];
}

function spawnTool(deps: SubagentToolsDeps): Tool {
  return {
    name: "sessions_spawn",
    description:
      "Gives a task to a subagent, which works on it in a session of its own with at most your tools. Returns at once; its result comes to this session as a message when it has ended, so do not poll. Put everything it must know into task. agentId: another agent from agents_list.",
    parameters: {
      type: "object",
      properties: {
        task: { type: "string", minLength: 1, maxLength: MOST_TASK_CHARS },
        label: { type: "string", maxLength: 100 },
        agentId: { type: "string" },
        model: { type: "string" },
        thinking: { type: "string" },
        runTimeoutSeconds: { type: "integer", minimum: 0, description: "0: none." },
        cleanup: { type: "string", enum: ["keep", "delete"], description: "delete: its session goes with its end." },
        sandbox: { type: "string", enum: ["inherit", "require"] },
        mode: { type: "string", enum: ["run"] },
        runtime: { type: "string", enum: ["subagent"] },
        context: { type: "string", enum: ["isolated"] },
        collect: { type: "boolean", description: "The result waits for agents_wait and is not told." },
      },
      required: ["task"],
      additionalProperties: false,
    },
    run: (args, context) => spawn(deps, args, context),
  };
}

async function spawn(
  deps: SubagentToolsDeps,
  args: Record<string, unknown>,
  context: ToolContext,
): Promise<ToolResult> {
  const { config, agents, sessions, subagents, registry } = deps;
  const requester = await sessions.find(context.sessionKey);
  if (requester === null) throw new ToolError("This session is gone.");
  const depth = requester.spawnDepth + 1;
  const deepest = maxSpawnDepth(config.current, context.agentId);
  if (depth > deepest) return jsonResult({ status: "forbidden", error: `Subagents may be ${deepest} deep at most.` });
  const agentId = targetOf(deps, args.agentId, context.agentId);
  const task = String(args.task).trim();
  if (task === "") throw new ToolError("task required");
  await screen(deps, task, context);
  const who = { isOwner: context.isOwner };
  const subject = subjectOf({ config: config.current, roster: agents.roster }, requester, who);
  const { names } = grantedTools(
    config.current,
    subject,
    registry.all().map(({ name }) => name),
  );
  const settings = subagentSettings(config, agents, agentId);
  const order = {
    requesterKey: context.sessionKey,
    agentId,
    depth,
    task,
    label: text(args.label),
    model: modelOf(deps, text(args.model) ?? settings.model ?? requester.modelOverride ?? undefined),
    thinking: text(args.thinking) ?? settings.thinking,
    timeoutMs: 1000 * Number(args.runTimeoutSeconds ?? settings.runTimeoutSeconds ?? 0),
    cleanup: args.cleanup === "delete" ? ("delete" as const) : ("keep" as const),
    forOwner: context.isOwner,
    collects: args.collect === true,
    maxChildren: settings.maxChildren,
    tools: names,
    permissionMode: requester.tools?.permissionMode,
    isSandboxed: context.isSandboxed || args.sandbox === "require",
  };
  const spawned = await subagents.spawn(order).catch((error: unknown) => {
    if (error instanceof GatewayError) throw new ToolError(error.message);
    throw error;
  });
  if (spawned === null) {
    const error = `This session has ${settings.maxChildren} subagents at work, or the gateway too many. Wait for one to end.`;
    return jsonResult({ status: "forbidden", error });
  }
  const note = order.collects ? COLLECTED : TOLD;
  return jsonResult({ status: "accepted", childSessionKey: spawned.childKey, runId: spawned.runId, note });
}

const TOLD = "The result comes to this session as a message when it has ended.";
const COLLECTED = "Fetch the result with agents_wait; it comes by no other way.";

/** @throws ToolError for an agent that tasks may not be given to */
function targetOf({ config, agents }: SubagentToolsDeps, named: unknown, own: string): string {
  const wanted = text(named);
  if (wanted === undefined) return own;
  const { ids } = spawnTargets(config, agents, own);
  const found = agents.find(wanted)?.id;
  if (found === undefined || !ids.includes(found)) {
    throw new ToolError(`Tasks may not be given to ${wanted}; allowed: ${ids.join(", ")}`);
  }
  return found;
}

/** @throws ToolError for a model that is not there */
function modelOf({ models }: SubagentToolsDeps, ref: string | undefined): string | undefined {
  if (ref === undefined) return undefined;
  const found = models.find(ref);
  if (!found) throw new ToolError(`No model of this name is set up: ${ref}`);
  return refOf(found);
}

/** `subagents` of the agent, else of all agents. */
function subagentSettings({ current }: ConfigPort, agents: AgentCatalogue, agentId: string) {
  const all = dict(dict(dict(current.agents).defaults).subagents);
  const own = dict(agents.find(agentId)?.raw.subagents);
  const model = own.model ?? all.model;
  const number = (value: unknown): number | undefined => (typeof value === "number" && value >= 0 ? value : undefined);
  return {
    model: model === undefined ? undefined : (modelChoice(model).primary ?? undefined),
    thinking: text(own.thinking) ?? text(all.thinking),
    runTimeoutSeconds: number(own.runTimeoutSeconds) ?? number(all.runTimeoutSeconds),
    maxChildren: number(own.maxChildrenPerAgent) ?? number(all.maxChildrenPerAgent) ?? LIMITS.subagentChildren,
  };
}

/** A task may carry what strangers told this agent. @throws ToolError when it may not pass */
async function screen(
  { defender }: SubagentToolsDeps,
  task: string,
  { sessionKey, runId }: ToolContext,
): Promise<void> {
  const decision = await defender.screen(task, { direction: "inbound", origin: "model", sessionKey, runId });
  if (decision.verdict === "allow") return;
  throw new ToolError(`The defender does not let this task pass. ${decision.findings[0]?.reason ?? ""}`.trim());
}

function subagentsTool({ subagents }: SubagentToolsDeps): Tool {
  return {
    name: "subagents",
    description:
      "Looks after the subagents of this session: list, cancel (taskId), wait (taskIds, timeoutSeconds up to 60) until one of them has ended. Results come by themselves; wait only when the next step needs one now.",
    parameters: {
      type: "object",
      properties: {
        action: { type: "string", enum: ["list", "cancel", "wait"] },
        taskId: { type: "string" },
        taskIds: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 32 },
        timeoutSeconds: { type: "integer", minimum: 0, maximum: MOST_WAIT_SECONDS },
      },
      required: ["action"],
      additionalProperties: false,
    },
    async run({ action, taskId, taskIds, timeoutSeconds = 30 }, { sessionKey, signal }) {
      if (action === "list") return jsonResult({ tasks: (await subagents.list(sessionKey)).map(shown) });
      if (action === "cancel") {
        if (typeof taskId !== "string") throw new ToolError("taskId required");
        return jsonResult({ cancelled: await subagents.cancel(sessionKey, taskId) });
      }
      if (!Array.isArray(taskIds)) throw new ToolError("taskIds required");
      return wait(subagents, sessionKey, taskIds.map(String), Number(timeoutSeconds) * 1000, signal);
    },
  };
}

async function wait(
  subagents: Subagents,
  sessionKey: string,
  ids: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ToolResult> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const tasks = (await subagents.list(sessionKey)).filter(({ runId }) => ids.includes(runId));
    const ended = tasks.some(({ endedAt }) => endedAt !== null);
    const reason = tasks.length < ids.length ? "unavailable" : ended ? "completed" : "timeout";
    if (reason !== "timeout" || performance.now() >= deadline) return jsonResult({ reason, tasks: tasks.map(shown) });
    await Bun.sleep(POLL_MS);
  }
}

const shown = ({ runId, childKey, label, task, status, createdAt, endedAt, result }: SubagentRecord) => ({
  taskId: runId,
  sessionKey: childKey,
  ...(label === null ? {} : { label }),
  task: task.slice(0, 200),
  status: status ?? "running",
  createdAt,
  ...(endedAt === null ? {} : { endedAt }),
  ...(result === null ? {} : { result: result.slice(0, 2000) }),
});
