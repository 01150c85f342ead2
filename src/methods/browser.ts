import type { BrowserHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const browser: BrowserHandlers<CallContext> = {
  "browser.request": (params, { browserRelay }) => browserRelay.request(params),
  "browser.open": (params, { browserRelay }) => browserRelay.open(params),
};
