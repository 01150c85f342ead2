import { runCli } from "./cli.ts";
import type { Env } from "./command.ts";

export interface CliResult {
  code: number;
  /** What went to stdout, without the last line end. */
  out: string;
  err: string;
}

/** Runs a command line in this process and collects what it says. */
export async function cli(
  words: readonly string[],
  { env = {}, program = "chela", interactive = false }: CliOptions = {},
): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), interactive };
  const code = await runCli(words, { program, io, env });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

export interface CliOptions {
  env?: Env;
  program?: string;
  /** A person is watching. */
  interactive?: boolean;
}
