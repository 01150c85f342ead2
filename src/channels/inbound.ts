import { readRoster } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { StoredSession } from "../sessions/entry.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type InboundPlace, type InboundRoute, inboundRoute, type RouteSettings } from "./route.ts";

/** Where a message came in, and the address that answers to it go to. */
export interface InboundEnvelope extends InboundPlace {
  /** As the channel's `deliver` takes it: a chat id, a number, an address. */
  to: string;
}

/** Where a transport brings what people write to it: which session that is, and where its answers go from now on. */
export class Inbound {
  constructor(private readonly deps: { config: ConfigPort; sessions: Sessions }) {}

  /**
   * The session of a message by `bindings` and `session.*` of the configuration, made if need be. The session's answers go
   * to where this message came from (docs: channels/channel-routing). On disk when the promise resolves; what is written
   * then goes to `chat.send` or `agent` under `sessionKey` with `deliver`.
   * @throws GatewayError `AGENT_SELECTION_REQUIRED` when nobody is meant, and for an envelope without an address
   */
  async place(envelope: InboundEnvelope): Promise<InboundRoute> {
    const { config, sessions } = this.deps;
    const to = envelope.to.trim();
    if (to === "") throw invalidRequest("a message needs an address that answers go to");
    const roster = readRoster(config.current, config.stateDir);
    const route = inboundRoute(envelope, config.current as RouteSettings, roster);
    const { sessionKey, channel, accountId } = route;
    const threadId = envelope.threadId?.trim();
    const remember = (known: StoredSession | null): StoredSession => {
      const base = known ?? sessions.blank(sessionKey, sessions.clock.now(), "channel");
      const deliveryContext = { channel, to, accountId, ...(threadId ? { threadId } : {}) };
      const chatType = base.entry.chatType ?? envelope.peer?.kind ?? "direct";
      return { ...base, entry: { ...base.entry, updatedAt: sessions.clock.now(), chatType, deliveryContext } };
    };
    await sessions.repository.update(sessionKey, remember, (family) => sessions.changed(family, "patch"));
    return route;
  }
}
