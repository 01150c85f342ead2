import { type StatusDeps, statusText } from "../../agents/commands/status.ts";
import { refOf } from "../../models/references.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import type { SessionAccess } from "./access.ts";

/** `session_status`: what `/status` says, of a session within reach; an owner's turn may also choose its model. */
export function sessionStatusTool(deps: StatusDeps, access: SessionAccess): Tool {
  return {
    name: "session_status",
    description:
      'Tells model, context, usage and state of a session that you may see; without sessionKey of your own. model chooses the model of that session from its next turn on, "default" takes the choice back.',
    parameters: {
      type: "object",
      properties: { sessionKey: { type: "string" }, model: { type: "string" } },
    },
    run: (args, context) => status(deps, access, args, context),
  };
}

async function status(
  deps: StatusDeps,
  access: SessionAccess,
  { sessionKey: name = "current", model }: Record<string, unknown>,
  context: ToolContext,
): Promise<ToolResult> {
  const isOwn = ["current", "", context.sessionKey].includes(String(name).trim().toLowerCase());
  const key = isOwn ? context.sessionKey : (await access.required(String(name), context)).key;
  const changedModel = typeof model === "string" && model.trim() !== "" && (await choose(deps, key, model, context));
  const session = await deps.sessions.find(key);
  const agentId = session?.agentId ?? context.agentId;
  const text = await statusText({ sessionKey: key, agentId, session }, deps);
  const { details } = jsonResult({ ok: true, sessionKey: key, agentId, changedModel, statusText: text });
  return { content: [{ type: "text", text }], details };
}

/** @throws ToolError for a model that is not there, or a turn that is not its owner's */
async function choose(
  { sessions, models }: StatusDeps,
  key: string,
  wanted: string,
  { isOwner }: ToolContext,
): Promise<boolean> {
  if (!isOwner) throw new ToolError("Only its owner may choose the model of a session.");
  const before = (await sessions.find(key))?.modelOverride ?? null;
  const isDefault = wanted.trim().toLowerCase() === "default";
  const found = isDefault ? null : models.find(wanted.trim());
  if (!isDefault && !found) throw new ToolError(`No model of this name is set up: ${wanted}`);
  const after = found ? refOf(found) : null;
  if (after === before) return false;
  await sessions.setOverrides(key, { modelOverride: after });
  return true;
}
