import type { ModelsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { listModels } from "../models/list.ts";

export const models: ModelsHandlers<CallContext> = {
  "models.list": (params, { models, agents }) => listModels(models, agents, params),
};
