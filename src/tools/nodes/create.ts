import { NODE_COMMANDS } from "../../../generated/node-commands.ts";
import type { NodeView } from "../../../generated/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import { payloadOf } from "../../nodes/invoke-answers.ts";
import type { NodeInvokes } from "../../nodes/invokes.ts";
import type { NodePairing } from "../../nodes/node-pairing.ts";
import type { Nodes } from "../../nodes/nodes.ts";
import type { Clock } from "../../platform/clock.ts";
import { aboutAction } from "../about.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import { COMMANDS, type NodeCall } from "./commands.ts";
import { shownPayload } from "./payload.ts";

export interface NodesToolDeps {
  nodes: Nodes;
  nodePairing: NodePairing;
  nodeInvokes: Pick<NodeInvokes, "ask">;
  defender: Pick<DefenderPort, "judge">;
  clock: Clock;
}

type Args = Record<string, unknown>;

/** Commands of a host that have tools or people of their own: what runs programs goes through `exec`. */
const NOT_FOR_INVOKE: ReadonlySet<string> = new Set(
  NODE_COMMANDS.host.filter((command) => command !== "system.which" && command !== "screen.snapshot"),
);

const PARAMETERS = object(
  {
    action: { type: "string", enum: ["status", "describe", "pending", ...Object.keys(COMMANDS), "invoke"] },
    node: { type: "string", description: "Id, name or address; status tells them." },
    timeoutMs: { type: "integer", minimum: 1 },
    title: { type: "string" },
    body: { type: "string" },
    sound: { type: "string" },
    priority: { type: "string", enum: ["passive", "active", "timeSensitive"] },
    delivery: { type: "string", enum: ["system", "overlay", "auto"] },
    facing: { type: "string", enum: ["front", "back"] },
    maxWidth: { type: "integer", minimum: 1 },
    quality: { type: "number", minimum: 0, maximum: 1 },
    delayMs: { type: "integer", minimum: 0 },
    deviceId: { type: "string" },
    screenIndex: { type: "integer", minimum: 0 },
    limit: { type: "integer", minimum: 1, maximum: 20 },
    maxAgeMs: { type: "integer", minimum: 0 },
    locationTimeoutMs: { type: "integer", minimum: 1 },
    desiredAccuracy: { type: "string", enum: ["coarse", "balanced", "precise"] },
    notificationAction: { type: "string", enum: ["open", "dismiss", "reply"] },
    notificationKey: { type: "string" },
    notificationReplyText: { type: "string" },
    bins: { type: "array", items: { type: "string", minLength: 1 }, minItems: 1, maxItems: 64 },
    invokeCommand: { type: "string" },
    invokeParamsJson: { type: "string" },
    invokeTimeoutMs: { type: "integer", minimum: 1 },
  },
  ["action"],
);

/**
 * `nodes`: paired devices and what they can be asked for, as far as the command policy lets them (docs: nodes). Pairing
 * is decided by people alone (KNOWN_ATTACKS 43).
 */
export function nodesTool(deps: NodesToolDeps): Tool {
  return {
    name: "nodes",
    description:
      "Lists paired devices (status), tells of one (describe), of devices that ask to be paired (pending, decided by people), and asks a device: notify, camera_snap, camera_list, photos_latest, screen_snapshot, location_get, notifications_list, notifications_action, device_status, device_info, device_permissions, device_health, which (bins), invoke (invokeCommand, invokeParamsJson). Programs are run by exec with host=node.",
    parameters: PARAMETERS,
    run: (args, context) => perform(deps, args, context),
  };
}

async function perform(deps: NodesToolDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  const { nodes, nodePairing, clock } = deps;
  const { action } = args;
  try {
    if (action === "status") return jsonResult({ ts: clock.now(), nodes: (await nodes.list()).nodes });
    if (action === "pending") return jsonResult({ ...(await nodePairing.list()) });
    if (action === "describe")
      return jsonResult({ ...(await asked(nodes.describe((await nodeOf(deps, args)).nodeId))) });
    return await ask(deps, args, context);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const about = `agent=${context.agentId} node=${args.node ?? "auto"} gateway=default action=${action}`;
    throw new ToolError(`${about}: ${error.message}`);
  }
}

async function ask(deps: NodesToolDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  const { command, params, timeoutMs } =
    args.action === "invoke" ? invoked(args) : COMMANDS[String(args.action)]!(args);
  const { nodeId } = await nodeOf(deps, args);
  await judge(deps, { nodeId, command, params }, context);
  const { signal } = context;
  const options = { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const outcome = await asked(deps.nodeInvokes.ask(nodeId, command, params, options));
  signal.throwIfAborted();
  if (!outcome.ok) throw new ToolError(outcome.error?.message ?? outcome.error?.code ?? "the node failed");
  return shownPayload({ nodeId, command }, payloadOf(outcome));
}

/** @throws ToolError for a command that is not for this tool, or params that are no JSON object */
function invoked({ invokeCommand, invokeParamsJson, invokeTimeoutMs, timeoutMs, node }: Args): NodeCall {
  if (typeof node !== "string" || node.trim() === "") throw new ToolError("node required");
  const command = typeof invokeCommand === "string" ? invokeCommand.trim() : "";
  if (command === "") throw new ToolError("invokeCommand required");
  if (NOT_FOR_INVOKE.has(command))
    throw new ToolError(`${command} is not for invoke; programs are run by exec with host=node`);
  return {
    command,
    params: typeof invokeParamsJson === "string" ? parsed(invokeParamsJson) : {},
    timeoutMs: (invokeTimeoutMs ?? timeoutMs) as number | undefined,
  };
}

function parsed(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new ToolError("invokeParamsJson must be a JSON object");
}

/** The node that is meant: by id, the beginning of one, name or address. @throws ToolError */
async function nodeOf({ nodes }: NodesToolDeps, { node, action }: Args): Promise<NodeView> {
  const wanted = typeof node === "string" ? node.trim() : "";
  if (wanted === "") {
    throw new ToolError(
      `node required for ${action}; call nodes with action="status" to list nodes, then retry with node`,
    );
  }
  const { nodes: all } = await nodes.list();
  const exact = all.filter(({ nodeId }) => nodeId === wanted);
  const found = exact.length > 0 ? exact : all.filter((each) => isCalled(each, wanted.toLowerCase()));
  if (found.length === 1) return found[0]!;
  const names = found.map(({ nodeId, displayName }) => displayName ?? nodeId).join(", ");
  throw new ToolError(found.length === 0 ? `unknown node: ${wanted}` : `several nodes are called ${wanted}: ${names}`);
}

function isCalled({ nodeId, displayName, remoteIp }: NodeView, wanted: string): boolean {
  const isPrefix = wanted.length >= 6 && nodeId.startsWith(wanted);
  return isPrefix || displayName?.toLowerCase() === wanted || remoteIp === wanted;
}

/** @throws ToolError with the reason of the rule that decided */
async function judge(
  { defender }: NodesToolDeps,
  call: { nodeId: string; command: string; params: unknown },
  context: ToolContext,
): Promise<void> {
  const { verdict, findings } = await defender.judge({ kind: "node-invoke", ...call }, aboutAction(context));
  if (verdict !== "allow")
    throw new ToolError(`The defender does not let this pass. ${findings[0]?.reason ?? ""}`.trim());
}
