import { baseName, SHELLS } from "../../../approvals/command/words.ts";
import type { SimpleCommand, Source } from "./read.ts";
import { Unreadable, type Word } from "./words.ts";

/** A program that runs the program which its arguments name. */
interface Wrapper {
  /** Options without a value, by exact spelling. */
  flags: readonly string[];
  /** Options with a value, which is the next word or, for `--name=value` and `-n5`, part of the same. */
  values: readonly string[];
  /** Words before the program that are none of its own, such as a duration. */
  operands?: number;
  /** It runs the program as it is: only the program need be allowed. Otherwise both must be. */
  isTransparent: boolean;
}

const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  nohup: { flags: [], values: [], isTransparent: true },
  nice: { flags: [], values: ["-n", "--adjustment"], isTransparent: true },
  ionice: { flags: ["-t"], values: ["-c", "-n"], isTransparent: true },
  stdbuf: { flags: [], values: ["-i", "-o", "-e", "--input", "--output", "--error"], isTransparent: true },
  setsid: { flags: ["-w", "--wait", "-f", "--fork", "-c", "--ctty"], values: [], isTransparent: true },
  timeout: {
    flags: ["--foreground", "--preserve-status", "-v", "--verbose"],
    values: ["-k", "--kill-after", "-s", "--signal"],
    operands: 1,
    isTransparent: true,
  },
  time: { flags: ["-p", "-v", "--verbose"], values: [], isTransparent: true },
  flock: {
    flags: ["-x", "-s", "-n", "-u", "--exclusive", "--shared", "--nonblock"],
    values: ["-w", "--timeout"],
    operands: 1,
    isTransparent: false,
  },
  sudo: { flags: ["-n", "-E", "-H", "-k"], values: ["-u", "--user", "-g", "--group"], isTransparent: false },
  doas: { flags: ["-n"], values: ["-u"], isTransparent: false },
  // Not -I, which puts what it reads anywhere, in the place of the program too.
  xargs: {
    flags: ["-0", "--null", "-r", "--no-run-if-empty", "-t", "--verbose", "-x"],
    values: ["-n", "--max-args", "-P", "--max-procs", "-L", "-d", "--delimiter", "-s"],
    isTransparent: false,
  },
};

/** A program call that needs an answer of its own: is it allowed? */
export interface Call {
  command: SimpleCommand;
  /** `allowed`: an entry must name it. `trusted`: it only has to be the system's own program of that name. */
  needs: "allowed" | "trusted";
  /** Its arguments are not all known, as more come from elsewhere (`xargs`, `find -exec`). */
  isOpenEnded: boolean;
}

const MAX_DEPTH = 8;

/** Shells whose language is the one that is read here. Others understand the same text otherwise. */
const KNOWN_SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "dash"]);

type Inner = (source: Source, cwd: string | null) => SimpleCommand[];

/**
 * The calls that a command makes with those that its wrappers make for it (KNOWN_ATTACKS 79).
 * @param inner reads the text that a shell is given
 * @throws Unreadable for wrappers that are used in a way that is not understood
 */
export const callsOf = (command: SimpleCommand, inner: Inner): Call[] =>
  calls(command, { inner, depth: 0, isOpenEnded: false });

interface Reading {
  inner: Inner;
  depth: number;
  /** More words come behind those that are there, and nobody knows which. */
  isOpenEnded: boolean;
}

function calls(command: SimpleCommand, reading: Reading): Call[] {
  const { inner, depth, isOpenEnded } = reading;
  if (depth > MAX_DEPTH) throw new Unreadable("wrappers within wrappers");
  const [program, ...args] = command.words as [Word, ...Word[]];
  const name = baseName(program.value);
  const direct: Call = { command, needs: "allowed", isOpenEnded };
  const trusted: Call = { command, needs: "trusted", isOpenEnded: false };
  const within = (
    words: Word[],
    more: { variables?: SimpleCommand["variables"]; isOpenEnded?: boolean } = {},
  ): Call[] => {
    const { variables = [], ...others } = more;
    return calls({ ...command, words, variables }, { ...reading, depth: depth + 1, ...others });
  };
  const alone = (): Call[] => {
    if (isOpenEnded) throw new Unreadable(`${name} runs what it is given, which is not known`);
    return [direct];
  };

  if (name === "env") {
    const { words, variables } = insideEnv(args);
    return words.length === 0 ? alone() : [trusted, ...within(words, { variables })];
  }
  if (SHELLS.has(name)) {
    const text = textForShell(name, args);
    if (text === null) return [direct];
    const source = { text: text.value, within: { source: command.source, at: text.at } };
    const deeper = { inner, depth: depth + 1, isOpenEnded: false };
    return [trusted, ...inner(source, command.cwd).flatMap((each) => calls(each, deeper))];
  }
  if (name === "busybox" || name === "toybox") {
    requireHarmlessApplet(args);
    return args.length === 0 ? alone() : [direct];
  }
  if (name === "find") {
    if (isOpenEnded) throw new Unreadable("a find whose tests are not known");
    return [direct, ...insideFind(args).flatMap((words) => within(words, { isOpenEnded: true }))];
  }
  const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name]! : undefined;
  if (wrapper === undefined) return [direct];
  const words = programOf(args, wrapper);
  if (words.length === 0) return name === "xargs" ? [direct] : alone();
  return [wrapper.isTransparent ? trusted : direct, ...within(words, { isOpenEnded: isOpenEnded || name === "xargs" })];
}

/** The words of the program behind a wrapper's own. @throws Unreadable for an option that is not known */
function programOf(args: Word[], { flags, values, operands = 0 }: Wrapper): Word[] {
  let at = 0;
  for (; at < args.length; at++) {
    const { value, isLiteral } = args[at]!;
    if (!isLiteral) throw new Unreadable("an option that is only known when it is used");
    if (value === "--") {
      at++;
      break;
    }
    if (!value.startsWith("-") || value === "-") break;
    if (flags.includes(value)) continue;
    if (values.includes(value)) {
      if (args[++at]?.isLiteral === false) throw new Unreadable("an option that is only known when it is used");
      continue;
    }
    const isJoined = values.some((option) => value.startsWith(option.startsWith("--") ? `${option}=` : option));
    if (!isJoined) throw new Unreadable(`an option of a wrapper that is not known (${value})`);
  }
  return args.slice(at + operands);
}

/** `env NAME=value … program`: the variables count like those before a command. */
function insideEnv(args: Word[]): { words: Word[]; variables: SimpleCommand["variables"] } {
  const flags = ["-i", "-", "--ignore-environment"];
  const rest = programOf(args, { flags, values: ["-u", "--unset"], isTransparent: true });
  const variables: SimpleCommand["variables"] = [];
  let at = 0;
  for (; at < rest.length; at++) {
    const { value, isLiteral, at: place } = rest[at]!;
    const equals = value.indexOf("=");
    if (equals < 1) break;
    if (!isLiteral) throw new Unreadable("a variable that is only known when it is set");
    variables.push({ name: value.slice(0, equals), value: { value: value.slice(equals + 1), isLiteral, at: place } });
  }
  return { words: rest.slice(at), variables };
}

/** The text of `sh -c TEXT`, or null for a shell that runs something else and must be allowed itself. */
function textForShell(name: string, args: Word[]): Word | null {
  const first = args.findIndex(({ value }) => !/^-[A-Za-z]+$/.test(value));
  const options = first < 0 ? args : args.slice(0, first);
  if (options.some(({ isLiteral }) => !isLiteral)) throw new Unreadable("an option that is only known when it is used");
  const given = options.map(({ value }) => value.slice(1)).join("");
  if (!given.includes("c")) return null;
  if (!KNOWN_SHELLS.has(name)) throw new Unreadable(`a text for ${name}`);
  // A login or interactive shell reads start files, which may run anything.
  if (!/^[ceux]+$/.test(given)) throw new Unreadable("a shell that reads its start files");
  const text = first < 0 ? undefined : args[first];
  if (!text?.isLiteral) throw new Unreadable("a text for a shell that is only known when it runs");
  if (args.length > first + 1) throw new Unreadable("a text for a shell with arguments");
  return text;
}

function requireHarmlessApplet([applet]: Word[]): void {
  if (applet === undefined) return;
  if (!applet.isLiteral) throw new Unreadable("which applet runs is only known when it does");
  const name = baseName(applet.value);
  if (SHELLS.has(name) || Object.hasOwn(WRAPPERS, name) || name === "env" || name === "find" || name.startsWith("-")) {
    throw new Unreadable(`a box of programs as ${name}`);
  }
}

const FIND_RUNS: ReadonlySet<string> = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

/** The commands that a find runs for what it finds. */
function insideFind(args: Word[]): Word[][] {
  const commands: Word[][] = [];
  for (let at = 0; at < args.length; at++) {
    if (!args[at]!.isLiteral) throw new Unreadable("a find whose tests are not known");
    if (!FIND_RUNS.has(args[at]!.value)) continue;
    const end = args.findIndex(({ value }, index) => index > at && (value === ";" || value === "+"));
    const words = args.slice(at + 1, Math.max(end, at + 1));
    // Within another word, names of files could be read as code.
    const isMixed = words.some(({ value }) => value.includes("{}") && value !== "{}");
    if (words.length === 0 || isMixed) throw new Unreadable("a find that runs what it finds");
    commands.push(words);
    at = end;
  }
  return commands;
}
