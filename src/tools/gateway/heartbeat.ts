import { LIMITS } from "../../../generated/limits.ts";
import type { HeartbeatResponse, HeartbeatResponses } from "../../system/heartbeat-responses.ts";
import { object } from "../domain.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";

/** `heartbeat_respond`: what came of a heartbeat, once in its turn and in no other (docs: gateway/heartbeat). */
export function heartbeatTool(responses: HeartbeatResponses): Tool {
  return {
    name: "heartbeat_respond",
    description:
      "Reports what came of this heartbeat: outcome and summary, and whether somebody is to be told (notify, with notificationText in a few words). scratch replaces the notes that you are given with every heartbeat.",
    parameters: object(
      {
        outcome: { type: "string", enum: ["no_change", "progress", "done", "blocked", "needs_attention"] },
        notify: { type: "boolean" },
        summary: { type: "string", minLength: 1, maxLength: 4000 },
        notificationText: { type: "string", maxLength: 4000 },
        reason: { type: "string", maxLength: 1000 },
        priority: { type: "string", enum: ["low", "normal", "high"] },
        nextCheck: { type: "string", maxLength: 200 },
        scratch: { type: "string" },
      },
      ["outcome", "notify", "summary"],
    ),
    isAvailable: ({ isHeartbeat }) => isHeartbeat === true,
    async run(args, { runId }) {
      const response = args as unknown as HeartbeatResponse;
      if (Buffer.byteLength(response.scratch ?? "") > LIMITS.cronScratchBytes)
        throw new ToolError("scratch is too large");
      if (!responses.record(runId, response)) throw new ToolError("This heartbeat has been reported already.");
      const { scratch: _scratch, ...shown } = response;
      return jsonResult({ status: "recorded", ...shown });
    },
  };
}
