import type { DefenderPort, Origin } from "../defender/types.ts";
import { GatewayError } from "../platform/errors.ts";
import type { Sender } from "./sender.ts";

/**
 * Shows a person's message to the defender before it is accepted. What it blocks is refused; what needs somebody's
 * agreement passes only as the owner's own words, because nobody is asked here.
 * @param origin where the words come from, when they are not the sender's own
 * @throws GatewayError with the rules that decided
 */
export async function screenInbound(
  defender: DefenderPort,
  text: string,
  { sessionKey, runId, sender, origin }: { sessionKey: string; runId: string; sender: Sender; origin?: Origin },
): Promise<void> {
  const isOwner = sender.may("operator.admin");
  const decision = await defender.screen(text, {
    direction: "inbound",
    origin: origin ?? (isOwner ? "owner" : "paired-user"),
    sessionKey,
    runId,
    actor: sender.deviceId ?? sender.client.id,
  });
  if (decision.verdict === "allow" || (decision.verdict === "review" && isOwner)) return;
  const findings = decision.findings.map(({ id, score, reason }) => ({ id, score, reason }));
  const reason = findings[0]?.reason ?? "";
  throw new GatewayError("INVALID_REQUEST", `The defender does not let this message pass. ${reason}`.trim(), {
    details: { code: "BLOCKED_BY_DEFENDER", verdict: decision.verdict, decisionId: decision.id, findings },
  });
}
