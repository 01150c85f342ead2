import type { ChatInjectParams, ChatInjectResult } from "../../generated/types.ts";
import { injectedMessage } from "../agents/injected.ts";
import type { EventBus } from "../platform/bus.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Sessions } from "./sessions.ts";

/**
 * `chat.inject`: puts a message of the assistant into a session without a model; a label stands in front of it.
 * Publishes a final `chat` event under the run id `inject-<message id>`.
 * @throws GatewayError when the session does not exist or is archived
 */
export async function injectMessage(
  sessions: Sessions,
  bus: EventBus,
  params: ChatInjectParams,
): Promise<ChatInjectResult> {
  const key = sessions.canonicalKey(params.sessionKey, params.agentId);
  const label = params.label?.trim();
  const text = label ? `[${label}]\n\n${params.message}` : params.message;
  const message = injectedMessage(text, sessions.clock.now());
  const [stored] = await sessions.say(key, [message], {
    check(known) {
      if (!known) throw invalidRequest("session not found");
      if (known.entry.archivedAt === undefined) return;
      throw invalidRequest(`Error: Session "${key}" is archived. Restore it before starting new work.`);
    },
    first({ agentId }, [added]) {
      const runId = `inject-${added!.id}`;
      bus.publish("chat", { runId, sessionKey: key, agentId, seq: 0, state: "final", message });
    },
  });
  return { ok: true, messageId: stored!.message.id };
}
