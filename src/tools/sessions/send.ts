import type { AgentCatalogue } from "../../agents/catalogue.ts";
import { withinTime } from "../../agents/runs/run-waiting.ts";
import type { Runs } from "../../agents/runs/runs.ts";
import type { RunInput } from "../../agents/runs/types.ts";
import type { SystemEvents } from "../../agents/system-events.ts";
import { requestHash } from "../../agents/user-message.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { uuid } from "../../platform/ids.ts";
import type { StoredSession } from "../../sessions/entry.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import type { SessionAccess } from "./access.ts";

export interface SendDeps {
  sessions: Sessions;
  access: SessionAccess;
  agents: AgentCatalogue;
  runs: Runs;
  systemEvents: SystemEvents;
  defender: DefenderPort;
  clock: Clock;
}

const DEFAULT_WAIT_SECONDS = 30;
const MOST_WAIT_SECONDS = 600;
const MOST_CHARS = 100_000;
/** How often a message may go on from session to session; upstream's bound of a conversation between agents. */
const MOST_HOPS = 5;
const CANDIDATES = 2;

const PARAMETERS = {
  type: "object",
  properties: {
    sessionKey: { type: "string", description: "Key or id of the session." },
    label: { type: "string", description: "Its whole label, instead of the key." },
    agentId: { type: "string", description: "The main session of this agent, instead of the key." },
    message: { type: "string", minLength: 1, maxLength: MOST_CHARS },
    timeoutSeconds: {
      type: "integer",
      minimum: 0,
      maximum: MOST_WAIT_SECONDS,
      description: `How long to wait for the reply, ${DEFAULT_WAIT_SECONDS} unless told; 0 does not wait.`,
    },
    mode: {
      type: "string",
      enum: ["followup", "steer", "notify"],
      description:
        "followup (default): a turn of its own. steer: guidance for a run that is at work now. notify: a note for its next turn, starts nothing.",
    },
  },
  required: ["message"],
};

/** `sessions_send`: says something in another session within reach and waits for what its agent replies. */
export function sessionsSendTool(deps: SendDeps): Tool {
  return {
    name: "sessions_send",
    description:
      "Says something to the agent of another session that you may see and returns its reply. It answers in its own context and knows that an agent wrote. It reaches no person and no channel by itself.",
    parameters: PARAMETERS,
    run: (args, context) => send(deps, args, context),
  };
}

async function send(deps: SendDeps, args: Record<string, unknown>, context: ToolContext): Promise<ToolResult> {
  const { mode = "followup", timeoutSeconds = DEFAULT_WAIT_SECONDS } = args;
  const message = String(args.message);
  const target = await targetOf(deps, args, context);
  const chain = [...chainOf(deps, context.runId), context.sessionKey];
  if (chain.length > MOST_HOPS) throw new ToolError("This message has gone from session to session too often already.");
  await screen(deps, message, target.key, context);
  if (mode === "notify") {
    const note = `Note of the session ${context.sessionKey}: ${message}`;
    await deps.systemEvents.add(target.key, note, { trusted: false });
    return jsonResult({ status: "queued", sessionKey: target.key, durability: "stored", runStarted: false });
  }
  const isActive = deps.runs.activeRunIds(target.key).length > 0;
  if (mode === "steer" && !isActive) throw new ToolError("That session is not at work; use mode followup.");
  const input = inputOf(deps, target, message, chain, context, mode === "steer");
  const how = mode === "steer" ? "steer" : "followup";
  const accepted = await deps.runs.accept(input, requestHash("sessions_send", input.runId), how);
  if (accepted.known) throw new ToolError("The message could not be queued.");
  const about = {
    runId: input.runId,
    sessionKey: target.key,
    targetDisposition: mode === "steer" ? "steered" : "queued",
  };
  // A session that waits for this one cannot answer before this one has.
  const isWaitedFor = chain.includes(target.key);
  if (timeoutSeconds === 0 || mode === "steer" || isWaitedFor) return jsonResult({ ...about, status: "accepted" });
  const outcome = await withinTime(accepted.settled, Number(timeoutSeconds) * 1000, context.signal);
  context.signal.throwIfAborted();
  if (outcome === null) return jsonResult({ ...about, status: "timeout" });
  if (outcome.status !== "ok") return jsonResult({ ...about, status: "error", error: outcome.error ?? outcome.status });
  const reply = outcome.reply?.text;
  return jsonResult(reply ? { ...about, status: "ok", reply } : { ...about, status: "no_reply" });
}

/** The one session that the arguments name. @throws ToolError when none, several, or one that may not be spoken to */
async function targetOf(
  { sessions, access, agents }: SendDeps,
  { sessionKey, label, agentId }: Record<string, unknown>,
  context: ToolContext,
): Promise<StoredSession> {
  const target =
    sessionKey !== undefined
      ? await access.required(String(sessionKey), context)
      : label !== undefined
        ? await labelled(String(label))
        : agentId !== undefined
          ? await mainOf(String(agentId))
          : undefined;
  if (target === undefined) throw new ToolError("sessionKey, label or agentId required");
  if (target.key === context.sessionKey) throw new ToolError("A session cannot send to itself.");
  if (target.entry.archivedAt !== undefined) throw new ToolError(`The session ${target.key} is archived.`);
  if (target.entry.sendPolicy === "deny") throw new ToolError("Sending into that session is not allowed.");
  return target;

  async function labelled(name: string): Promise<StoredSession> {
    const found = await sessions.repository.findByLabel(name.trim(), CANDIDATES);
    const visible: StoredSession[] = [];
    for (const each of found) if (await access.sees(context, each)) visible.push(each);
    if (visible.length > 1) throw new ToolError(`Several sessions have the label ${name}; use the key.`);
    if (visible[0] === undefined) throw new ToolError(`No session found with the label ${name}`);
    return visible[0];
  }

  async function mainOf(id: string): Promise<StoredSession> {
    if (!agents.find(id)) throw new ToolError(`Unknown agent id "${id}"`);
    const key = sessions.canonicalKey("main", id);
    const { agentId: owner } = sessions.blank(key, 0, "");
    const { visibility } = access.reachOf(context);
    const reachable = owner === context.agentId ? visibility !== "self" && visibility !== "tree" : visibility === "all";
    const known = await sessions.repository.find(key);
    if (known) return access.required(key, context);
    if (!reachable || !access.mayReach(context.agentId, owner)) {
      throw new ToolError(`No session that this one may see: ${key} (tools.sessions.visibility=${visibility})`);
    }
    await sessions.ensure(key, { createdVia: "run" });
    return access.required(key, context);
  }
}

/** What one agent tells another may carry what strangers told the first. @throws ToolError when it may not pass */
async function screen({ defender }: SendDeps, text: string, sessionKey: string, context: ToolContext): Promise<void> {
  const actor = `session:${context.sessionKey}`;
  const decision = await defender.screen(text, { direction: "inbound", origin: "model", sessionKey, actor });
  if (decision.verdict === "allow") return;
  throw new ToolError(`The defender does not let this message pass. ${decision.findings[0]?.reason ?? ""}`.trim());
}

/** The sessions through which the turn's own message has come, the first one first. */
function chainOf({ runs }: SendDeps, runId: string): string[] {
  const { kind, chain } = (runs.inputOf(runId)?.message.meta?.provenance ?? {}) as { kind?: string; chain?: unknown };
  return kind === "inter_session" && Array.isArray(chain) ? chain.map(String) : [];
}

/** The message as the other session has it: an agent's words, with the rights of the turn that they come from. */
function inputOf(
  { clock }: SendDeps,
  target: StoredSession,
  text: string,
  chain: string[],
  context: ToolContext,
  steers: boolean,
): RunInput {
  const runId = uuid();
  const now = clock.now();
  const provenance = {
    kind: "inter_session",
    sourceSessionKey: context.sessionKey,
    sourceTool: "sessions_send",
    chain,
    ...(context.isOwner ? { forOwner: true } : {}),
  };
  return {
    runId,
    kind: steers ? "chat" : "agent",
    sessionKey: target.key,
    agentId: target.agentId,
    id: uuid(),
    acceptedAt: now,
    message: { role: "user", content: text, timestamp: now, idempotencyKey: `${runId}:user`, meta: { provenance } },
    settings: {},
    owner: `session:${context.sessionKey}`,
    origin: "model",
  };
}
