import type { UsageHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const usage: UsageHandlers<CallContext> = {
  "usage.cost": (params, { usageReports }) => usageReports.cost(isRecord(params) ? params : {}),
  "usage.status": (_params, { usage }) => usage.status(),
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
