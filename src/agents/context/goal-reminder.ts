import { LIMITS } from "../../../generated/limits.ts";
import type { SessionGoal } from "../../../generated/types.ts";
import { clip, oneLine } from "../../sessions/names.ts";

/** What the model is reminded of with every message while a session pursues a goal; undefined when it does not. */
export function goalReminder(goal: SessionGoal | null): string | undefined {
  if (goal?.status !== "active") return undefined;
  const objective = clip(oneLine(goal.objective), LIMITS.goalObjectiveInPrompt);
  return `[The goal of this session: ${objective} Work towards it; it stays until it is fully reached.]`;
}
