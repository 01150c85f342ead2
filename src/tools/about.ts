import type { ActionContext } from "../defender/types.ts";
import type { ToolContext } from "./types.ts";

/** What the defender is told of where an action of a tool comes from. */
export function aboutAction(context: ToolContext): ActionContext {
  const { origin, agentId, sessionKey, runId, channel, provider, model, workspace, turn, isAgreed } = context;
  return { origin, agentId, sessionKey, runId, channel, provider, model, workspace, turn, isAgreed };
}
