import { resolve } from "node:path";
import { baseName, runsScript } from "../../approvals/command/words.ts";
import { type AllowEntry, exactEntry, type Invocation, matchingEntry } from "./allow-list.ts";
import { isSafeBin, type SafeBinSettings, SYSTEM_FOLDERS } from "./safe-bins.ts";
import type { ExecSettings } from "./settings.ts";
import { type Edit, edited } from "./shape/pin.ts";
import { readCommands, type SimpleCommand, type Source } from "./shape/read.ts";
import { executableOf, identityOf, isBelow, liesIn } from "./shape/resolve.ts";
import { Unreadable } from "./shape/words.ts";
import { type Call, callsOf } from "./shape/wrappers.ts";

export interface Question {
  command: string;
  cwd: string;
  /** Variables that the call sets. */
  variables: Readonly<Record<string, string>>;
  /** The search path of the command. */
  path: string;
  /** Folders that agents write to: what lies there is not allowed for all times. */
  writable: readonly string[];
  entries: readonly AllowEntry[];
  settings: SafeBinSettings & Pick<ExecSettings, "safeBinTrustedDirs">;
}

/** What the list of allowed commands says of a command. */
export interface Evaluation {
  isAllowed: boolean;
  /** Why not, for the log. */
  reason?: string;
  /** The command with the file of every program in place of its name, so that nothing else runs. When allowed. */
  pinned?: string;
  /** The entries that allow it. */
  used: AllowEntry[];
  /** What an approval for all times would leave; null when it cannot be told exactly enough. */
  lasting: AllowEntry[] | null;
  /** What the programs are; another text later means that one has changed. Null when they are not known. */
  binding: string | null;
  /** The first program. */
  resolvedPath: string | null;
}

/** Variables that change how output looks and nothing else. */
const HARMLESS = /^(TERM|COLORTERM|NO_COLOR|FORCE_COLOR|LANG|LC_[A-Z]+|TZ)$/;

/** Programs that run what files of the folder say. */
const RUNNERS = /^(npm|npx|pnpm|yarn|bunx|make|gmake|just|rake|cargo|go|gradle|gradlew|mvn|ant|docker|tox|uv|poetry)$/;

const UNKNOWN = { isAllowed: false, used: [], lasting: null, binding: null, resolvedPath: null };

/** Compares a command with the list of allowed ones, by what it runs and not by what it looks like. */
export async function evaluate(question: Question): Promise<Evaluation> {
  const { parse } = await import("../../platform/lazy/unbash.ts");
  const source: Source = { text: question.command };
  const inner = (text: Source, cwd: string | null): SimpleCommand[] => readCommands(text, cwd, parse);
  try {
    const calls = inner(source, question.cwd).flatMap((command) => callsOf(command, inner));
    return judged(source, calls, question);
  } catch (error) {
    if (error instanceof Unreadable) return { ...UNKNOWN, reason: error.message };
    throw error;
  }
}

interface Judged {
  call: Call;
  invocation: Invocation;
  verdict: "safe" | "miss" | AllowEntry;
}

function judged(source: Source, calls: readonly Call[], question: Question): Evaluation {
  const results: Judged[] = [];
  for (const call of calls) {
    const invocation = invocationOf(call, question.path);
    if (invocation === null) return { ...UNKNOWN, reason: `no program ${call.command.words[0]!.value}` };
    results.push({ call, invocation, verdict: verdictOf(call, invocation, question) });
  }
  const facts = {
    binding: results.map(({ invocation }) => bindingOf(invocation)).join("\n"),
    resolvedPath: results[0]!.invocation.executable.path,
    lasting: lastingOf(results, question),
  };
  const hasVariables = changesPrograms(calls, question);
  const missed = results.find(({ verdict }) => verdict === "miss");
  if (missed !== undefined || hasVariables) {
    const reason = missed === undefined ? "variables are set" : `${missed.invocation.name} is not allowed`;
    return { isAllowed: false, reason, used: [], ...facts };
  }
  const used = results.map(({ verdict }) => verdict).filter((verdict) => typeof verdict === "object");
  return { isAllowed: true, pinned: edited(source, results.map(edit)), used, ...facts };
}

function invocationOf({ command, isOpenEnded }: Call, path: string): Invocation | null {
  const [program, ...args] = command.words;
  const executable = program!.isLiteral ? executableOf(program!.value, path, command.cwd) : null;
  if (executable === null) return null;
  const isKnown = !isOpenEnded && args.every(({ isLiteral }) => isLiteral);
  return { name: program!.value, executable, args: isKnown ? args.map(({ value }) => value) : null, cwd: command.cwd };
}

/** What a program is, and the script that it is to run. */
function bindingOf({ name, executable, args, cwd }: Invocation): string {
  const [script = ""] = args ?? [];
  if (cwd === null || !runsScript([name, script])) return executable.identity;
  return `${executable.identity}\n${identityOf(resolve(cwd, script)) ?? "no script"}`;
}

function verdictOf({ needs }: Call, invocation: Invocation, { entries, settings }: Question): Judged["verdict"] {
  const { name, executable, args } = invocation;
  const trusted = [...SYSTEM_FOLDERS, ...settings.safeBinTrustedDirs];
  if (needs === "trusted") return liesIn(executable, trusted) ? "safe" : (matchingEntry(entries, invocation) ?? "miss");
  if (args !== null && isSafeBin(name, args, settings) && liesIn(executable, trusted)) return "safe";
  return matchingEntry(entries, invocation) ?? "miss";
}

/** True when variables are set that could change what a program does. */
function changesPrograms(calls: readonly Call[], { variables }: Question): boolean {
  const isHarmless = (name: string): boolean => HARMLESS.test(name);
  if (!Object.keys(variables).every(isHarmless)) return true;
  return calls.some(
    ({ command }) => !command.variables.every(({ name, value }) => isHarmless(name) && value.isLiteral),
  );
}

/** Exact entries for every call that is not allowed yet, or null when one of them could be another one tomorrow. */
function lastingOf(results: readonly Judged[], question: Question): AllowEntry[] | null {
  if (
    changesPrograms(
      results.map(({ call }) => call),
      question,
    )
  )
    return null;
  const entries: AllowEntry[] = [];
  for (const { invocation, verdict } of results) {
    if (verdict !== "miss") continue;
    const { name, executable, args, cwd } = invocation;
    const isOthers = question.writable.some((folder) => isBelow(executable, folder));
    if (args === null || cwd === null || isOthers) return null;
    if (runsScript([name, ...args]) || RUNNERS.test(baseName(name))) return null;
    entries.push(exactEntry({ ...invocation, args, cwd }));
  }
  return entries;
}

const edit = ({ call, invocation }: Judged): Edit => ({
  source: call.command.source,
  at: call.command.words[0]!.at,
  word: invocation.executable.path,
});
