import type { SecretsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const secrets: SecretsHandlers<CallContext> = {
  "secrets.reload": (_params, { secrets }) => secrets.reload(),
  "secrets.resolve": (params, { secrets }) => secrets.resolve(params),
  "secrets.store.list": (_params, { secrets }) => secrets.list(),
  "secrets.store.set": (params, { secrets, caller }) => secrets.set(params, caller.client.id),
  "secrets.store.delete": ({ name }, { secrets }) => secrets.delete(name),
};
