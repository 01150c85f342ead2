import type { ModelsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { authLogout, authStatus } from "../models/auth.ts";
import { listModels } from "../models/list.ts";

export const models: ModelsHandlers<CallContext> = {
  "models.list": (params, { models, agents }) => listModels(models, agents, params),
  "models.authStatus": (params, { models, agents, clock }) => authStatus({ models, agents, clock }, params),
  "models.authLogout": ({ provider }) => authLogout(provider),
};
