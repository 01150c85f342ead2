import type { ChatHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { invalidRequest } from "../platform/errors.ts";
import { senderOf } from "./sender.ts";

export const chat: ChatHandlers<CallContext> = {
  "chat.send": (params, { chat, caller }) => chat.send(params, senderOf(caller)),
  "chat.abort": (params, { chat, caller }) => chat.abort(params, senderOf(caller)),
};

/** Upstream asks for the session before it looks at anything else (BEHAVIOUR section 5). */
const sessionRequired: Guard = ({ sessionKey }) => {
  if (typeof sessionKey === "string" && sessionKey.trim() !== "") return;
  throw invalidRequest("session mutation target is unavailable", {
    code: "SESSION_MUTATION_TARGET_REQUIRED",
    method: "chat.send",
  });
};

export const chatGuards = { "chat.send": sessionRequired } as const;
