import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import type { DefenderPort } from "../../defender/types.ts";
import { aboutAction } from "../about.ts";
import { type ToolContext, ToolError } from "../types.ts";

/**
 * Shows a change of a file to the defender before it is made; a person is asked where it wants a review.
 * @throws ToolError with the reason unless it lets the change pass
 */
export async function permitWrite(
  defender: Pick<DefenderPort, "judge">,
  { path, content }: { path: string; content: Uint8Array },
  context: ToolContext,
): Promise<void> {
  // The workspace, also where tools may write beyond it: what lies there is the agent's own.
  const root = await realpath(context.workspace).catch(() => context.workspace);
  const action = { kind: "file-write", path, root, bytes: content.length, content } as const;
  const decision = await defender.judge(action, aboutAction(context));
  if (decision.verdict === "allow") return;
  const reason = decision.findings[0]?.reason ?? "";
  const refusal = decision.verdict === "review" ? await context.agree?.(deedOf(path, content), reason) : "";
  if (refusal === null) return;
  throw new ToolError(["The defender does not let this file be changed.", reason, refusal].filter(Boolean).join(" "));
}

/** What somebody agrees to who agrees for all times: this content at this place. */
const deedOf = (path: string, content: Uint8Array): Record<string, unknown> => ({
  path,
  sha256: createHash("sha256").update(content).digest("hex"),
});
