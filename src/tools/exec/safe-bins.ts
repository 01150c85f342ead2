import { baseName } from "../../approvals/command/words.ts";
import type { ExecSettings } from "./settings.ts";

/** What arguments a filter may have so that it only reads what is piped into it. */
interface Profile {
  /** Options without a value. */
  flags: readonly string[];
  /** Options with a value. */
  values: readonly string[];
  minPositional?: number;
  maxPositional?: number;
  /** `-5` means a number of lines. */
  hasCounts?: boolean;
}

const PROFILES: Readonly<Record<string, Profile>> = {
  cut: {
    flags: ["-s", "-z", "-n", "--only-delimited", "--zero-terminated", "--complement"],
    values: ["-b", "-c", "-d", "-f", "--bytes", "--characters", "--delimiter", "--fields", "--output-delimiter"],
  },
  uniq: {
    flags: [
      "-c",
      "-d",
      "-D",
      "-i",
      "-u",
      "-z",
      "--count",
      "--repeated",
      "--ignore-case",
      "--unique",
      "--zero-terminated",
    ],
    values: ["-f", "-s", "-w", "--skip-fields", "--skip-chars", "--check-chars"],
  },
  head: {
    flags: ["-q", "-v", "-z", "--quiet", "--silent", "--verbose", "--zero-terminated"],
    values: ["-n", "-c", "--lines", "--bytes"],
    hasCounts: true,
  },
  tail: {
    flags: ["-q", "-v", "-z", "--quiet", "--silent", "--verbose", "--zero-terminated"],
    values: ["-n", "-c", "--lines", "--bytes"],
    hasCounts: true,
  },
  tr: {
    flags: ["-c", "-C", "-d", "-s", "-t", "--complement", "--delete", "--squeeze-repeats", "--truncate-set1"],
    values: [],
    minPositional: 1,
    maxPositional: 2,
  },
  wc: {
    flags: ["-c", "-m", "-l", "-L", "-w", "--bytes", "--chars", "--lines", "--max-line-length", "--words"],
    values: [],
  },
  grep: {
    flags:
      "-E -F -G -P -i -v -w -x -c -q -s -n -h -o -a -z --extended-regexp --fixed-strings --perl-regexp --ignore-case --invert-match --word-regexp --line-regexp --count --quiet --silent --line-number --no-filename --only-matching --text".split(
        " ",
      ),
    values: [
      "-e",
      "-m",
      "-A",
      "-B",
      "-C",
      "--regexp",
      "--max-count",
      "--after-context",
      "--before-context",
      "--context",
    ],
  },
  sort: {
    flags:
      "-n -r -u -f -b -d -g -i -M -h -V -z -s -c -C --numeric-sort --reverse --unique --ignore-case --ignore-leading-blanks --human-numeric-sort --version-sort --stable".split(
        " ",
      ),
    values: ["-k", "-t", "-S", "--key", "--field-separator", "--buffer-size"],
  },
};

/** Used when the configuration names none. */
const DEFAULT_BINS = ["cut", "uniq", "head", "tail", "tr", "wc"];

/** Languages and tools that read or run what they like, whatever their arguments: never safe. */
const NEVER =
  /^(awk|gawk|mawk|nawk|sed|jq|yq|perl|python[\d.]*|ruby|php|lua|node|bun|deno|tee|xargs|env|find|vi|vim|less|more|(ba|z|da|k|a|fi)?sh|busybox|toybox)$/;

/** Where programs of the system lie that only its administrator changes. */
export const SYSTEM_FOLDERS = ["/bin", "/usr/bin"];

export type SafeBinSettings = Pick<ExecSettings, "safeBins" | "safeBinProfiles">;

/**
 * True for a filter that, with these arguments, reads its input alone. Judged by the words, never by what files there
 * are, so that the answer tells nothing of them (docs: exec-approvals-advanced; KNOWN_ATTACKS 81).
 * @param program as written; a path is none
 */
export function isSafeBin(program: string, args: readonly string[], settings: SafeBinSettings): boolean {
  const { safeBins = DEFAULT_BINS, safeBinProfiles } = settings;
  if (program !== baseName(program) || !safeBins.includes(program) || NEVER.test(program)) return false;
  const own = Object.hasOwn(safeBinProfiles, program) ? safeBinProfiles[program] : undefined;
  if (own !== undefined) return fitsOwn(args, own);
  return Object.hasOwn(PROFILES, program) && fits(args, PROFILES[program]!);
}

/** A profile of the configuration; what it does not name is refused. */
function fitsOwn(args: readonly string[], own: Record<string, unknown>): boolean {
  const denied = strings(own.deniedFlags);
  if (args.some((arg) => denied.some((flag) => arg === flag || arg.startsWith(`${flag}=`)))) return false;
  const count = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
  return fits(args, {
    flags: [],
    values: strings(own.allowedValueFlags).filter((flag) => !denied.includes(flag)),
    minPositional: count(own.minPositional),
    maxPositional: count(own.maxPositional),
  });
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

function fits(args: readonly string[], profile: Profile): boolean {
  const { flags, values, minPositional = 0, maxPositional = 0, hasCounts = false } = profile;
  const positional: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      positional.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") positional.push(arg);
    else if (arg.startsWith("--")) {
      const [name = "", ...value] = arg.split("=");
      if (values.includes(name)) at += value.length > 0 ? 0 : 1;
      else if (!flags.includes(arg)) return false;
    } else if (hasCounts && /^-\d+$/.test(arg)) continue;
    else {
      const takesNext = shortOptions(arg, flags, values);
      if (takesNext === null) return false;
      if (takesNext) at++;
    }
    if (at > args.length - 1) return false;
  }
  const isPath = (word: string): boolean => word === "-" || /^(~|\.{1,2}(\/|$)|\/.)/.test(word);
  if (positional.some(isPath)) return false;
  return positional.length >= minPositional && positional.length <= maxPositional;
}

/** `-nr` and `-k2`: whether the last one takes the next word; null when one is not known. */
function shortOptions(arg: string, flags: readonly string[], values: readonly string[]): boolean | null {
  for (let at = 1; at < arg.length; at++) {
    const option = `-${arg[at]}`;
    if (values.includes(option)) return at === arg.length - 1;
    if (!flags.includes(option)) return null;
  }
  return false;
}
