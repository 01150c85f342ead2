/** A position in a text, both counted from 1. */
export interface Place {
  line: number;
  column: number;
}

/** One thing that is wrong with the configuration. Never carries the value of a secret. */
export interface ConfigProblem extends Partial<Place> {
  /** The file it is in; absent when a variable or an argument is to blame. */
  file?: string;
  /** The key, dotted; empty for the file as a whole. */
  path: string;
  /** What is wrong, as a sentence without full stop. */
  reason: string;
  /** What to do about it, in the same form. */
  hint?: string;
}

/** `file:line:column: key: reason; hint` with what is known of it. */
export function describeProblem(problem: ConfigProblem): string {
  const { file, line, column, path, reason, hint } = problem;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return [place, path, hint === undefined ? reason : `${reason}; ${hint}`].filter((part) => part !== "").join(": ");
}

/** The configuration cannot be used. The command line ends with {@link ConfigError.exitCode} on it. */
export class ConfigError extends Error {
  /** Upstream's exit code for a configuration that must be mended by a person; service managers do not retry on it. */
  static readonly exitCode = 78;

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(describeProblem).join("\n"));
    this.name = "ConfigError";
  }
}

/** How a key is written: `agents.entries.main`, list elements as `[0]`. */
export function dotted(path: readonly (string | number)[]): string {
  let out = "";
  for (const step of path) {
    if (typeof step === "number") out += `[${step}]`;
    else out += out === "" ? step : `.${step}`;
  }
  return out;
}
