import type { DefenderCommandRule, DefenderCommandRules } from "../../../generated/types.ts";
import type { Call, Word } from "../command/call.ts";
import { type Parse, walk } from "../command/walk.ts";
import type { Finding } from "../types.ts";

/** What the policy's rules say of a command. */
export interface RuledCommand {
  /** `policy.command-denied` or `policy.command-reviewed`. */
  finding?: Pick<Finding, "id" | "reason">;
  /** Every call in it is one that the policy allows, and nothing in it is known only when it runs. */
  isAllowed: boolean;
}

/**
 * Holds a shell text against rules by parsed shape, however it is wrapped, chained or hidden. Denying takes one call
 * that matches. Allowing takes all of them: each word known, no variable set for it, nothing written to by redirection,
 * and a program named by its bare name where the rule does.
 */
export function ruledCommand(
  text: string,
  rules: DefenderCommandRules,
  parse: Parse,
  checkTime: () => void,
): RuledCommand {
  const { calls, unknownCode, errors, isTooMuch } = walk(text, parse, checkTime);
  const denying = firstThat(rules.deny, calls, isLike);
  if (denying) return { finding: found("policy.command-denied", denying, "refuses"), isAllowed: false };
  const reviewing = firstThat(rules.review, calls, isLike);
  if (reviewing)
    return { finding: found("policy.command-reviewed", reviewing, "wants a person to see"), isAllowed: false };
  const isKnown = calls.length > 0 && unknownCode === 0 && errors === 0 && !isTooMuch;
  return { isAllowed: isKnown && calls.every((call) => rules.allow?.some((rule) => isExactly(rule, call))) };
}

function firstThat(
  rules: readonly DefenderCommandRule[] | undefined,
  calls: readonly Call[],
  matches: (rule: DefenderCommandRule, call: Call) => boolean,
): DefenderCommandRule | undefined {
  return rules?.find((rule) => calls.some((call) => matches(rule, call)));
}

const found = (id: string, { program, reason }: DefenderCommandRule, what: string) => ({
  id,
  reason: reason ?? `The policy ${what} such calls of ${program}.`,
});

/** The name decides, wherever the program lies; a rule with a folder means that one. */
function isLike({ program, args, any }: DefenderCommandRule, call: Call): boolean {
  const name = program.includes("/") ? call.program : call.name;
  if (!isGlob(program, name)) return false;
  if (any !== undefined && !any.some((pattern) => call.values.some((value) => isGlob(pattern, value)))) return false;
  return args === undefined || areLike(args, call.values);
}

function isExactly(rule: DefenderCommandRule, call: Call): boolean {
  const isNamed = rule.program.includes("/") || !call.program.includes("/");
  const isPlain =
    call.variables.length === 0 &&
    call.wrappers.length === 0 &&
    !call.isOpenEnded &&
    call.redirects.every(({ operator, target }) => /^<|^>&$/.test(operator) || target === "/dev/null");
  return isNamed && isPlain && call.args.every(isKnownWord) && isLike(rule, call);
}

const isKnownWord = ({ isLiteral }: Word): boolean => isLiteral;

/** Whether words are like patterns, one by one; `**` stands for any further words. */
function areLike(patterns: readonly string[], words: readonly string[]): boolean {
  // The last `**` seen, to come back to when what follows it does not fit.
  let at = 0;
  let star = -1;
  let resume = 0;
  let word = 0;
  while (word < words.length) {
    if (patterns[at] === "**") {
      star = at++;
      resume = word;
    } else if (at < patterns.length && isGlob(patterns[at]!, words[word]!)) {
      at++;
      word++;
    } else if (star >= 0) {
      at = star + 1;
      word = ++resume;
    } else return false;
  }
  while (patterns[at] === "**") at++;
  return at === patterns.length;
}

/** Whether a text is like a pattern in which `*` stands for any characters. Time is at most the product of their lengths. */
export function isGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let char = 0;
  while (char < text.length) {
    if (pattern[at] === "*") {
      star = at++;
      resume = char;
    } else if (pattern[at] === text[char]) {
      at++;
      char++;
    } else if (star >= 0) {
      at = star + 1;
      char = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
