import { homedir } from "node:os";
import type { Finding } from "../types.ts";
import type { Call } from "./call.ts";
import { rawSigns } from "./raw.ts";
import { CODE_RULES } from "./rules/code.ts";
import { FILE_RULES } from "./rules/files.ts";
import { NETWORK_RULES } from "./rules/network.ts";
import type { Rule } from "./rules/rule.ts";
import { SERVICE_RULES } from "./rules/services.ts";
import { SYSTEM_RULES } from "./rules/system.ts";
import { type Parse, walk } from "./walk.ts";

const RULES: readonly Rule[] = [...FILE_RULES, ...SYSTEM_RULES, ...NETWORK_RULES, ...CODE_RULES, ...SERVICE_RULES];

const UNREADABLE: Finding = {
  id: "command.unreadable",
  score: 50,
  reason: "The command cannot be read as a shell would read it.",
};
const TOO_MUCH: Finding = {
  id: "command.too-much",
  score: 60,
  reason: "The command is too long or too deep to be judged as a whole.",
};
const UNKNOWN_CODE: Finding = {
  id: "command.unknown-code",
  score: 40,
  reason: "What the command runs is known only when it runs.",
};

/** What is to be said of a shell text; the strongest finding of each rule. `workspace` is an absolute folder. */
export function commandFindings(text: string, workspace: string, parse: Parse, checkTime: () => void): Finding[] {
  const { calls, errors, unknownCode, isTooMuch } = walk(text, parse, checkTime);
  const surroundings = { calls, workspace: workspace === homedir() ? `${workspace}/.` : workspace };
  const found = new Map<string, Finding>();
  for (const call of calls) {
    checkTime();
    for (const rule of RULES)
      if (!found.has(rule.id) && isApplied(rule, call, surroundings)) found.set(rule.id, findingOf(rule));
  }
  for (const finding of rawSigns(text, calls)) found.set(finding.id, finding);
  if (isTooMuch) found.set(TOO_MUCH.id, TOO_MUCH);
  if (errors > 0) found.set(UNREADABLE.id, UNREADABLE);
  if (unknownCode > 0) found.set(UNKNOWN_CODE.id, UNKNOWN_CODE);
  return [...found.values()];
}

const isApplied = (rule: Rule, call: Call, surroundings: Parameters<Rule["applies"]>[1]): boolean =>
  rule.applies(call, surroundings);
const findingOf = ({ id, score, reason }: Rule): Finding => ({ id, score, reason });
