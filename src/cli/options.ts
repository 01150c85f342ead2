import type { OptionSpec } from "./command.ts";
import { CliFailure } from "./failure.ts";

/** The options of one call, by long name. */
export class Options {
  constructor(
    private readonly values: ReadonlyMap<string, string | true>,
    private readonly specs: readonly OptionSpec[],
  ) {}

  /** True when the option was on the command line. */
  given(name: string): boolean {
    return this.values.has(name);
  }

  /** True when the flag was given. `no-x` flags are asked for by that name. */
  flag(name: string): boolean {
    return this.values.get(name) === true;
  }

  /** The value given, else the option's fallback, else undefined. */
  text(name: string): string | undefined {
    const value = this.values.get(name);
    if (typeof value === "string") return value;
    return this.specs.find((spec) => spec.name === name)?.fallback;
  }

  /** Like {@link text}, read as a whole number. @throws CliFailure when it is none or out of bounds */
  integer(name: string, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new CliFailure(`--${name} must be a whole number from ${min}${max < 2 ** 53 - 1 ? ` to ${max}` : " up"}.`);
  }
}

export interface ParsedArguments {
  options: Options;
  args: string[];
}

/**
 * Splits words into options and arguments. `--name value`, `--name=value`, `-n value`, several one-letter flags at
 * once, and `--` before words that are no options. The last of repeated options counts.
 * @throws CliFailure for an option that is not in `specs`, lacks its value or takes none
 */
export function parseOptions(words: readonly string[], specs: readonly OptionSpec[]): ParsedArguments {
  const given = new Map<string, string | true>();
  const args: string[] = [];
  const queue = [...words];
  const accept = (spec: OptionSpec, shown: string, attached: string | undefined): void => {
    if (spec.value === undefined) {
      if (attached !== undefined) throw new CliFailure(`Option ${shown} takes no value.`);
      given.set(spec.name, true);
      return;
    }
    const value = attached ?? queue.shift();
    if (value === undefined) throw new CliFailure(`Option ${shown} needs a value: ${shown} ${spec.value}`);
    if (spec.choices && !spec.choices.includes(value)) {
      throw new CliFailure(`Option ${shown} is one of ${spec.choices.join(", ")}; "${value}" is not.`);
    }
    given.set(spec.name, value);
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      args.push(...queue.splice(0));
    } else if (word.startsWith("--")) {
      const [name, attached] = splitOnce(word.slice(2));
      accept(
        known(specs, (spec) => spec.name === name, `--${name}`),
        `--${name}`,
        attached,
      );
    } else if (word.startsWith("-") && word.length > 1) {
      parseShort(word, specs, queue, accept);
    } else {
      args.push(word);
    }
  }
  return { options: new Options(given, specs), args };
}

/** `-m text`, `-mtext`, and flags written together. */
function parseShort(
  word: string,
  specs: readonly OptionSpec[],
  queue: string[],
  accept: (spec: OptionSpec, shown: string, attached: string | undefined) => void,
): void {
  const letter = word[1]!;
  const spec = known(specs, ({ short }) => short === letter, `-${letter}`);
  const rest = word.slice(2);
  const attached = spec.value === undefined || rest === "" ? undefined : rest;
  if (spec.value === undefined && rest !== "") queue.unshift(`-${rest}`);
  accept(spec, `-${letter}`, attached);
}

function known(specs: readonly OptionSpec[], matches: (spec: OptionSpec) => boolean, shown: string): OptionSpec {
  const spec = specs.find(matches);
  if (spec === undefined) throw new CliFailure(`There is no option ${shown} here.`);
  return spec;
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
