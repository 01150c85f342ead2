import type { ModelsHandlers } from "../../generated/handlers.ts";
import type { CallContext, Caller } from "../gateway/context.ts";
import { authLogout, authStatus } from "../models/auth.ts";
import { listModels, type ModelListReader } from "../models/list.ts";

export const models: ModelsHandlers<CallContext> = {
  "models.list": (params, { models, agents, caller }) => listModels(models, agents, params, readerOf(caller)),
  "models.authStatus": (params, { models, agents, clock }) => authStatus({ models, agents, clock }, params),
  "models.authLogout": ({ provider }) => authLogout(provider),
};

const readerOf = ({ caps, client }: Caller): ModelListReader => ({
  selectionPolicy: caps.has("model-selection-policy"),
  accounts: client.id === "openclaw-control-ui",
});
