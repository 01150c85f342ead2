import type { WizardHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const wizard: WizardHandlers<CallContext> = {
  "wizard.start": (params, { wizard }) => wizard.start(params),
  "wizard.next": (params, { wizard }) => wizard.next(params),
  "wizard.status": (params, { wizard }) => wizard.status(params),
  "wizard.cancel": (params, { wizard }) => wizard.cancel(params),
};
