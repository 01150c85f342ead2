import type { ChannelsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";

export const channels: ChannelsHandlers<CallContext> = {
  send: (params, { outbound, caller }) => outbound.send(params, caller),
  poll: (params, { outbound, caller }) => outbound.poll(params, caller),
  "message.action": (params, { outbound, caller }) => outbound.act(params, caller),
  "channels.status": (params, { channels }) => channels.status(params),
  "channels.start": (params, { channels }) => channels.start(params),
  "channels.stop": (params, { channels }) => channels.stop(params),
  "channels.logout": (params, { channels }) => channels.logout(params),
  "channels.pairing.list": (params, { channels }) => channels.pairingRequests(params),
  "channels.pairing.approve": (params, { channels, caller }) => channels.approve(params, caller),
  "channels.pairing.dismiss": (params, { channels }) => channels.dismiss(params),
  "web.login.start": (_params, { channels }) => channels.signIn(),
  "web.login.wait": (_params, { channels }) => channels.signIn(),
};

const mayPair: Guard = (_params, caller) => {
  if (!hasScope(caller, "operator.pairing")) throw missingScope("operator.pairing");
};

export const channelGuards: Readonly<Record<string, Guard>> = { "channels.pairing.approve": mayPair };
