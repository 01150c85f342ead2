import type { DefenderPort } from "../../defender/types.ts";
import { aboutAction } from "../about.ts";
import { type ToolContext, ToolError } from "../types.ts";

type Defender = Pick<DefenderPort, "judge" | "screen">;

/**
 * Shows an address to the defender before it is called.
 * @param isConfigured whether the operator's configuration names its host
 * @throws ToolError unless it may be
 */
export async function permitUrl(
  defender: Pick<Defender, "judge">,
  url: string,
  method: "GET" | "POST",
  context: ToolContext,
  isConfigured = false,
): Promise<void> {
  const action = { kind: "url", url, method, ...(isConfigured ? { isConfigured } : {}) } as const;
  const { verdict, findings } = await defender.judge(action, aboutAction(context));
  if (verdict === "allow") return;
  throw new ToolError(`The defender does not let this address be called. ${findings[0]?.reason ?? ""}`.trim());
}

/** Shows what the web answered to the defender before a model sees it. @throws ToolError unless it may pass */
export async function screenWeb(
  defender: Pick<Defender, "screen">,
  text: string,
  actor: string,
  { sessionKey, runId }: ToolContext,
): Promise<void> {
  const about = { direction: "inbound", origin: "web", sessionKey, runId, actor } as const;
  const { verdict, findings } = await defender.screen(text, about);
  if (verdict === "allow") return;
  throw new ToolError(`The defender holds back what was found. ${findings[0]?.reason ?? ""}`.trim());
}
