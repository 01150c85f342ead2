import type { Gate } from "../gate/run.ts";
import { compaction } from "./models/compaction.ts";
import { failover } from "./models/failover.ts";
import { parallel } from "./models/parallel.ts";
import { wireFormats } from "./models/wire-formats.ts";
import { executable } from "./turns/turn-gateway.ts";

export const gate: Gate = {
  name: "models",
  summary:
    "The built executable against model servers of five wire formats: streams, tools, failures, failover, many sessions, compaction",
  async run(context) {
    const binary = executable(context);
    await wireFormats(context, binary);
    await failover(context, binary);
    await parallel(context, binary);
    await compaction(context, binary);
  },
};
