import type { MemoryHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const memory: MemoryHandlers<CallContext> = {
  "memory.search": (params, { memoryCalls, signal }) => memoryCalls.search(params, signal),
  "doctor.memory.dreamDiary": (params, { dreamDiaries }) => dreamDiaries.read(params),
  "doctor.memory.resetDreamDiary": (params, { dreamDiaries }) => dreamDiaries.reset(params),
  "doctor.memory.dedupeDreamDiary": (params, { dreamDiaries }) => dreamDiaries.dedupe(params),
  "doctor.memory.status": (params, { memoryCalls }) => memoryCalls.status(params),
};
