import type { SessionGoal } from "../../../generated/types.ts";
import { GatewayError } from "../../platform/errors.ts";
import { uuid } from "../../platform/ids.ts";
import { changedGoal, type GoalChange, startedGoal } from "../../sessions/goals/goal.ts";
import { GO_ON } from "../goal-runs.ts";
import type { Command, CommandCall, CommandDeps, CommandReply } from "./types.ts";

/** What may stand behind `/goal`; everything else is an objective. */
const WORDS: Readonly<Record<string, "status" | "start" | "clear" | GoalChange>> = {
  status: "status",
  start: "start",
  set: "start",
  create: "start",
  edit: "edit",
  pause: "pause",
  resume: "resume",
  complete: "complete",
  done: "complete",
  block: "block",
  blocked: "block",
  clear: "clear",
};

const DONE = { edit: "changed", pause: "paused", complete: "reached", block: "blocked" } as const;

export const GOAL_COMMANDS: readonly Command[] = [
  {
    name: "goal",
    description: "Show or set what this session is meant to reach.",
    category: "session",
    usage: "[start|edit|pause|resume|complete|block|clear] [text]",
    args: [
      {
        name: "action",
        description: "What to do with the goal",
        type: "string",
        choices: ["status", "start", "edit", "pause", "resume", "complete", "block", "clear"],
      },
      { name: "text", description: "Objective or note", type: "string" },
    ],
    scope: "operator.write",
    async run(call, deps) {
      try {
        return await answer(call, deps);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        return { text: `Goal: ${error.message}` };
      }
    },
  },
];

async function answer({ args, sessionKey, session }: CommandCall, { sessions }: CommandDeps): Promise<CommandReply> {
  const [, word = "", rest = ""] = /^(\S*)\s*([\s\S]*)$/.exec(args) ?? [];
  const known = WORDS[word.toLowerCase()];
  const text = (known === undefined ? args : rest).trim();
  switch (known) {
    case "status":
      return showGoal(session?.goal ?? null);
    case "clear": {
      let had = false;
      await sessions.changeGoal(sessionKey, (goal) => {
        had = goal !== undefined;
        return null;
      });
      return { text: had ? "Goal cleared." : "There is no goal to clear." };
    }
    case undefined:
    case "start": {
      if (text === "") return showGoal(session?.goal ?? null);
      await sessions.changeGoal(sessionKey, (goal, entry, now) =>
        startedGoal(goal, { id: uuid(), objective: text }, entry, now),
      );
      return { text: `Goal: ${text}`, turn: text };
    }
    default: {
      if (known === "edit" && text === "") return { text: "Usage: /goal edit <objective>" };
      const change = known === "edit" ? { action: known, objective: text } : { action: known, note: text };
      const goal = await sessions.changeGoal(sessionKey, (goal, entry, now) => {
        if (goal === undefined) throw new GatewayError("INVALID_REQUEST", "there is none; start one with /goal start");
        return changedGoal(goal, change, entry, now);
      });
      if (known === "resume") return { text: "", turn: text === "" ? GO_ON : `${GO_ON} ${text}` };
      return { text: `Goal ${DONE[known]}: ${goal?.objective}` };
    }
  }
}

function showGoal(goal: SessionGoal | null): CommandReply {
  if (goal === null) return { text: "This session has no goal. Start one with /goal start <objective>." };
  const lines = ["Goal", `Status: ${goal.status}`, `Objective: ${goal.objective}`, `Tokens used: ${goal.tokensUsed}`];
  if (goal.tokenBudget !== undefined) lines.push(`Token budget: ${goal.tokenBudget}`);
  if (goal.lastStatusNote !== undefined) lines.push(`Note: ${goal.lastStatusNote}`);
  return { text: lines.join("\n") };
}
