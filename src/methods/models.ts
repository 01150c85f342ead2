import type { ModelsHandlers } from "../../generated/handlers.ts";
import type { CallContext, Caller } from "../gateway/context.ts";
import { authLogout, authOrderSet, authPut, authSetApiKey, authStatus } from "../models/auth.ts";
import { listModels, type ModelListReader } from "../models/list.ts";
import { probe } from "../models/probe.ts";

export const models: ModelsHandlers<CallContext> = {
  "models.list": (params, { models, agents, caller }) => listModels(models, agents, params, readerOf(caller)),
  "models.authStatus": (params, context) => authStatus(context, params),
  "models.authLogout": (params, context) => {
    const { models, accounts, agents, clock, runs } = context;
    const abortProvider = (provider: string) => runs.abortProvider(provider);
    return authLogout({ models, accounts, agents, clock, abortProvider }, params);
  },
  "models.authOrderSet": (params, context) => authOrderSet(context, params),
  "models.authSetApiKey": (params, context) => authSetApiKey(context, params),
  "models.authPut": (params, context) => authPut(context, params),
  "models.probe": (params, context) => probe(context, params),
};

const readerOf = ({ caps, client }: Caller): ModelListReader => ({
  selectionPolicy: caps.has("model-selection-policy"),
  accounts: client.id === "openclaw-control-ui",
});
