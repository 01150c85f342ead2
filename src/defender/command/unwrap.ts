import type { Word } from "./call.ts";

/** A command without the programs that only run it. */
export interface Unwrapped {
  words: Word[];
  wrappers: string[];
  variables: { name: string; value: string }[];
  /** Texts that a shell runs. */
  code: Word[];
  /** Commands that it runs beside itself, such as those of `find -exec`. */
  commands: Word[][];
  isOpenEnded: boolean;
}

/** Programs that run the rest of their words: their options with a value, and words of their own before the program. */
const WRAPPERS: Readonly<Record<string, { values?: string; operands?: number }>> = {
  sudo: { values: "ugUCDhpRrTt" },
  doas: { values: "uC" },
  env: { values: "uCS" },
  command: {},
  builtin: {},
  exec: { values: "a" },
  nohup: {},
  nice: { values: "n" },
  ionice: { values: "cnp" },
  stdbuf: { values: "ioe" },
  setsid: {},
  timeout: { values: "ks", operands: 1 },
  time: { values: "fo" },
  chroot: { operands: 1 },
  unshare: {},
  xargs: { values: "nPLdsIEa" },
  parallel: { values: "jN" },
  watch: { values: "n" },
  strace: { values: "eopsu" },
  proxychains: {},
  proxychains4: {},
  busybox: {},
  toybox: {},
  caffeinate: {},
  flock: { values: "wEc", operands: 1 },
  runuser: { values: "ug" },
  pkexec: {},
  faketime: { operands: 1 },
  torsocks: {},
  noglob: {},
  nocorrect: {},
};

const SHELL = /^(?:sh|bash|dash|zsh|ksh|ash|fish|csh|tcsh|mksh|rbash)$/;
const MAX_WRAPPERS = 12;

/** Takes the wrappers from a command and names what they run. */
export function unwrapped(given: readonly Word[]): Unwrapped {
  const result: Unwrapped = {
    words: [...given],
    wrappers: [],
    variables: [],
    code: [],
    commands: [],
    isOpenEnded: false,
  };
  for (let round = 0; round < MAX_WRAPPERS; round++) {
    const [program] = result.words;
    if (program === undefined) return result;
    const name = baseName(program.value);
    const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name]! : undefined;
    if (wrapper === undefined) break;
    const rest = behind(result.words, wrapper, result);
    // `env` alone, `time` of nothing, `exec 3<>file`: it is the program itself.
    if (rest.length === 0) break;
    result.wrappers.push(name);
    if (name === "xargs" || name === "parallel") result.isOpenEnded = true;
    result.words = rest;
  }
  const [program, ...args] = result.words;
  if (program === undefined) return result;
  result.words = [{ ...program, value: program.value.replace(/^\\/, "") }, ...args];
  runs(baseName(program.value), args, result);
  return result;
}

const baseName = (program: string): string => program.replace(/^\\/, "").replace(/^.*\//, "");

function behind(
  words: readonly Word[],
  { values = "", operands = 0 }: (typeof WRAPPERS)[string],
  into: Unwrapped,
): Word[] {
  let at = 1;
  for (; at < words.length; at++) {
    const { value } = words[at]!;
    if (value === "--") {
      at++;
      break;
    }
    if (/^[A-Za-z_]\w*=/.test(value)) {
      const equals = value.indexOf("=");
      into.variables.push({ name: value.slice(0, equals), value: value.slice(equals + 1) });
    } else if (!/^-./.test(value)) break;
    else if (/^-[A-Za-z]$/.test(value) && values.includes(value[1]!)) at++;
  }
  return words.slice(at + operands);
}

/** What a program runs by its arguments. */
function runs(name: string, args: readonly Word[], into: Unwrapped): void {
  if (SHELL.test(name) || name === "su") {
    const at = args.findIndex(({ value }) => /^-[a-z]*c$/.test(value) || value === "--command");
    if (at >= 0 && args[at + 1]) into.code.push(args[at + 1]!);
  } else if (name === "eval") {
    const isLiteral = args.every((word) => word.isLiteral);
    into.code.push({ value: args.map(({ value }) => value).join(" "), isLiteral });
  } else if (name === "find" || name === "fd") {
    for (let at = 0; at < args.length; at++) {
      if (!/^(?:-exec|-execdir|-ok|-okdir|-x|-X)$/.test(args[at]!.value)) continue;
      const end = args.findIndex(({ value }, index) => index > at && /^[;+]$/.test(value));
      into.commands.push(args.slice(at + 1, end < 0 ? undefined : end));
      if (end < 0) break;
      at = end;
    }
    if (into.commands.length > 0) into.isOpenEnded = true;
  } else if (name === "ssh") {
    const at = args.findIndex(
      ({ value }, index) => !value.startsWith("-") && !/^-[bcDEeFIiJLlmOopQRSWw]$/.test(args[index - 1]?.value ?? ""),
    );
    const rest = at < 0 ? [] : args.slice(at + 1);
    if (rest.length > 0) into.code.push({ value: rest.map(({ value }) => value).join(" "), isLiteral: true });
  } else if (name === "script") {
    const at = args.findIndex(({ value }) => /^-[a-z]*c$/.test(value));
    if (at >= 0 && args[at + 1]) into.code.push(args[at + 1]!);
  } else if (name === "trap" && args[0] && args.length > 1) into.code.push(args[0]);
}
