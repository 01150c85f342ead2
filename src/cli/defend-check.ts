import { resolve } from "node:path";
import { localDefender } from "../defender/local.ts";
import type { Decision, Origin, Verdict } from "../defender/types.ts";
import type { Invocation } from "./command.ts";
import { inputBytes, inputText, textIn } from "./defend-input.ts";
import { findingLine, verdictWords } from "./defend-words.ts";
import { type Io, writeJson } from "./io.ts";
import { loadConfig } from "./target.ts";
import { printable } from "./text.ts";

/** Exit codes by verdict, for scripts and for hooks of other programs. A check that fails ends with 1. */
const EXIT_CODES: Readonly<Record<Verdict, number>> = { allow: 0, review: 10, block: 20 };

/** Says what the defender would decide, with this machine's configuration and without a gateway. Leaves no record. */
export async function run({ args, options, io, env }: Invocation): Promise<number> {
  const kind = options.text("kind")!;
  const origin = options.text("origin") as Origin | undefined;
  const defender = localDefender(await loadConfig(env));
  const [argument = ""] = args;
  const { text, decide } = question(kind, argument, origin);
  const decision = await decide(defender);
  if (options.flag("json")) writeJson(io, { kind, chars: text.length, ...decision });
  else print(io, decision, text);
  return EXIT_CODES[decision.verdict];
}

type Defender = ReturnType<typeof localDefender>;
type Decider = (defender: Defender) => Promise<Decision>;

function question(kind: string, argument: string, given: Origin | undefined): { text: string; decide: Decider } {
  if (kind === "file") {
    const path = resolve(argument);
    const bytes = inputBytes(argument === "-" ? argument : { path });
    const origin = given ?? "file";
    const file = { path: argument === "-" ? "-" : path, bytes, text: textIn(bytes) };
    return { text: file.text ?? "", decide: (defender) => judgeFile(defender, file, origin) };
  }
  const text = argument === "-" ? inputText("-") : argument;
  const origin = given ?? "channel-stranger";
  switch (kind) {
    case "command":
      return {
        text,
        decide: (defender) =>
          defender.judge({ kind: "command", command: text, cwd: process.cwd(), host: "gateway" }, { origin }),
      };
    case "url":
      return {
        text,
        decide: (defender) => defender.judge({ kind: "url", url: text.trim(), method: "GET" }, { origin }),
      };
    default:
      return { text, decide: (defender) => defender.screen(text, { direction: "inbound", origin }) };
  }
}

/** What a file is, and when it is text what it says: the worse of the two. */
async function judgeFile(
  defender: Defender,
  { path, bytes, text }: { path: string; bytes: Buffer; text: string | null },
  origin: Origin,
): Promise<Decision> {
  const source = "a file to check";
  const asFile = await defender.judge({ kind: "install", source, path, content: bytes }, { origin });
  if (text === null) return asFile;
  const asText = await defender.screen(text, { direction: "inbound", origin });
  return asText.score >= asFile.score ? asText : asFile;
}

function print(io: Io, { verdict, score, findings }: Decision, text: string): void {
  io.out(findings.length === 0 ? verdict : verdictWords(verdict, score));
  for (const finding of findings) {
    io.out(findingLine(finding));
    if (finding.span) io.out(`     ${printable(shortened(text.slice(...finding.span)))}`);
  }
}

const MAX_SHOWN = 160;

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)} …` : line;
};
