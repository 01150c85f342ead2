import { own, type Policy, scoreFor } from "../policy.ts";
import type { Action, Finding } from "../types.ts";

/** Kinds that one tool of the catalogue stands for in a policy. */
const TOOL_OF_KIND: Readonly<Record<Exclude<Action["kind"], "tool">, string>> = {
  command: "exec",
  "file-write": "write",
  install: "install",
  url: "web_fetch",
  "node-invoke": "nodes",
  "outbound-message": "message",
};

/** The tool by whose name a policy speaks of an action. */
export const toolOf = (action: Action): string => (action.kind === "tool" ? action.name : TOOL_OF_KIND[action.kind]);

/**
 * Tools whose call is judged again as what it does (a command, an address, a message). Their floor counts there, so that
 * nobody is asked twice; a changed file is judged as the call of its tool, for which somebody can be asked.
 */
const JUDGED_BY_DEED: ReadonlySet<string> = new Set(["exec", "process", "nodes", "message"]);

/** What the policy's floor for a tool adds to what was found. */
export function floorFinding(action: Action, policy: Policy): Finding[] {
  const tool = toolOf(action);
  const counts = action.kind === "tool" ? !JUDGED_BY_DEED.has(tool) : JUDGED_BY_DEED.has(tool);
  const floor = counts ? own(policy.tools, tool)?.floor : undefined;
  if (floor === undefined || floor === "allow") return [];
  const what = floor === "block" ? "refuses every call" : "wants a person to see every call";
  return [{ id: "policy.floor", score: scoreFor(floor, policy), reason: `The policy ${what} of ${tool}.` }];
}

/**
 * The findings about a command after the policy's own rules for it. One that denies or asks is a finding more; one that
 * allows takes away what was found in the command itself, and nothing else.
 */
export async function applyCommandRules(
  action: Action,
  found: Finding[],
  policy: Policy,
  checkTime: () => void,
): Promise<Finding[]> {
  const { commands } = policy;
  const hasRules = (commands.deny ?? commands.review ?? commands.allow) !== undefined;
  if (action.kind !== "command" || !hasRules) return found;
  const { ruledCommand } = await import("./command-rules.ts");
  const { parse } = await import("../../platform/lazy/unbash.ts");
  const { finding, isAllowed } = ruledCommand(action.command, commands, parse, checkTime);
  if (isAllowed) return found.filter(({ id }) => !id.startsWith("command."));
  if (finding === undefined) return found;
  const score = finding.id === "policy.command-denied" ? 100 : scoreFor("review", policy);
  return [...found, { ...finding, score }];
}
