import type { SessionGoal } from "../../../generated/types.ts";
import { uuid } from "../../platform/ids.ts";
import { changedGoal, startedGoal } from "../../sessions/goals/goal.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";

/** The tools by which an agent knows the goal of its session, sets one that was asked for, and reports on it (docs: tools/goal). */
export function goalTools(sessions: Sessions): Tool[] {
  return [getGoal(sessions), createGoal(sessions), updateGoal(sessions)];
}

function getGoal(sessions: Sessions): Tool {
  return {
    name: "get_goal",
    description: "Reads the goal of this session: objective, status, tokens used and budget.",
    parameters: object({}),
    async run(_args, { sessionKey }) {
      const goal = (await sessions.repository.find(sessionKey))?.entry.goal;
      return jsonResult(goal ? { status: "found", goal } : { status: "missing" });
    },
  };
}

function createGoal(sessions: Sessions): Tool {
  return {
    name: "create_goal",
    description:
      "Sets the goal of this session, only when the user asks for one. token_budget only when the user names one. Fails while there is a goal: the user clears it first.",
    parameters: object(
      {
        objective: { type: "string", description: "What is to be reached, in the user's words." },
        token_budget: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] },
      },
      ["objective"],
    ),
    async run({ objective, token_budget: budget }, { sessionKey }) {
      const id = uuid();
      const goal = await asked(
        sessions.changeGoal(sessionKey, (known, entry, now) => ({
          ...startedGoal(known, { id, objective: String(objective) }, entry, now),
          ...(typeof budget === "number" ? { tokenBudget: budget } : {}),
        })),
      );
      return jsonResult({ status: "created", goal });
    },
  };
}

function updateGoal(sessions: Sessions): Tool {
  return {
    name: "update_goal",
    description:
      "Reports that the goal of this session is complete (all of it is done and checked) or blocked (the same obstacle for at least three turns, and nothing can be done without the user). The user is not told by it: answer as well.",
    parameters: object({ status: { type: "string", enum: ["complete", "blocked"] }, note: { type: "string" } }, [
      "status",
    ]),
    async run({ status, note }, { sessionKey }) {
      const action = status === "complete" ? "complete" : "block";
      const goal = await asked(
        sessions.changeGoal(sessionKey, (known, entry, now): SessionGoal => {
          if (!known) throw new ToolError("no goal to update");
          return changedGoal(known, { action, ...(typeof note === "string" ? { note } : {}) }, entry, now);
        }),
      );
      return jsonResult({ status: "updated", goal, nextAction: NEXT });
    },
  };
}

const NEXT = "The status is kept, but the user has heard nothing of it yet. Go on and give the answer.";
