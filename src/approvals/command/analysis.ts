import { scan } from "./scan.ts";
import { baseName, SHELLS, splitWords } from "./words.ts";

/** What a reader of a command should look at twice. Shown beside it; nothing is allowed or refused because of it. */
export interface CommandAnalysis {
  /** Simple commands that the text runs. */
  commandCount: number;
  /** Those within substitutions and within the text that a shell wrapper gets. */
  nestedCommandCount: number;
  riskKinds: string[];
  warningLines: string[];
}

/** Programs that run code from an argument, by the options that say so; `*` runs its argument always. */
const EVALUATORS: Readonly<Record<string, readonly string[]>> = {
  python: ["-c"],
  node: ["-e", "--eval", "-p", "--print"],
  bun: ["-e", "--eval", "-p", "--print"],
  perl: ["-e", "-E"],
  ruby: ["-e"],
  php: ["-r"],
  lua: ["-e"],
  osascript: ["-e"],
  sed: ["-e", "--expression"],
  awk: ["*"],
  gawk: ["*"],
  mawk: ["*"],
  xargs: ["*"],
};

/** Programs that run another program which their arguments name. */
const CARRIERS: ReadonlySet<string> = new Set(["sudo", "doas", "xargs", "stdbuf", "setsid", "busybox", "toybox"]);

/** Counts the commands of a text and names what could hide what it does (kinds and words as upstream has them). */
export function analyse(text: string): CommandAnalysis {
  const found = new Map<string, string>();
  const note = (kind: string, detail?: string): void => {
    if (!found.has(kind)) found.set(kind, `Contains ${kind}${detail === undefined ? "" : `: ${detail}`}`);
  };
  const { commands, nested, features } = scan(text);
  let nestedCommandCount = nested.length;
  for (const command of commands) nestedCommandCount += inspect(command, note);
  for (const feature of features) note(feature);
  for (const inner of nested) inspect(inner, note);
  return {
    commandCount: commands.length,
    nestedCommandCount,
    riskKinds: [...found.keys()],
    warningLines: [...found.values()],
  };
}

/** Notes what one command does; answers how many commands run within it. */
function inspect(command: string, note: (kind: string, detail?: string) => void): number {
  const words = (splitWords(command) ?? []).filter((word) => !word.startsWith("\0"));
  const first = words.findIndex((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
  if (first < 0) return 0;
  const [program = "", ...args] = words.slice(first);
  const name = baseName(program).replace(/^(python|ruby|perl|php|lua)[\d.]+$/, "$1");
  if (name === "eval") note("eval");
  if (name === "alias") note("alias");
  if (name === "source" || name === ".") note("source", name === "." ? "." : undefined);
  noteEvaluator(name, program, args, note);
  noteCarrier(name, args, note);
  return nestedInWrapper(name, program, args, note);
}

function noteEvaluator(name: string, program: string, args: string[], note: (kind: string, detail?: string) => void) {
  const options = Object.hasOwn(EVALUATORS, name) ? EVALUATORS[name]! : [];
  const option = options.find((each) => each === "*" || args.includes(each));
  if (option !== undefined) note("inline-eval", `${baseName(program)} ${option === "*" ? "<program>" : option}`);
  if (name === "find" && args.some((arg) => arg === "-exec" || arg === "-execdir")) note("inline-eval", "find -exec");
}

function noteCarrier(name: string, args: string[], note: (kind: string, detail?: string) => void): void {
  if (CARRIERS.has(name)) note("command-carrier", name);
  if (name === "env" && args.some((arg) => arg.startsWith("-S") || arg.startsWith("--split-string"))) {
    note("command-carrier", "env -S");
  }
  if (name === "find" && args.some((arg) => arg === "-exec" || arg === "-execdir")) {
    note("command-carrier", "find -exec");
  }
  const isCarrier = CARRIERS.has(name) || name === "env";
  if (isCarrier && args.some((arg) => SHELLS.has(baseName(arg)))) note("shell-wrapper-through-carrier");
}

function nestedInWrapper(
  name: string,
  program: string,
  args: string[],
  note: (kind: string, detail?: string) => void,
): number {
  if (!SHELLS.has(name)) return 0;
  const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  if (at < 0) return 0;
  note("shell-wrapper", `${baseName(program)} ${args[at]}`);
  const script = args[at + 1];
  if (script === undefined) return 0;
  const inner = scan(script);
  return inner.commands.length + inner.nested.length;
}
