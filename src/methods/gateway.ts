import type { GatewayHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const gateway: GatewayHandlers<CallContext> = {
  "gateway.restart.preflight": (_params, { activeWork }) => activeWork.preflight(),
  "gateway.restart.request": (params, { restarts }) => restarts.request(params),
  "gateway.suspend.prepare": (params, { suspension }) => suspension.prepare(params),
  "gateway.suspend.status": (params, { suspension }) => suspension.status(params),
  "gateway.suspend.resume": (params, { suspension }) => suspension.resume(params),
};
