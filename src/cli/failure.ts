import { EXIT, type ExitCode } from "./command.ts";

/** An end of a command that the person can act on. Printed without a stack. */
export class CliFailure extends Error {
  /** What to try next, one line each. */
  readonly hints: readonly string[];
  readonly exitCode: ExitCode;

  constructor(message: string, { hints = [], exitCode = EXIT.failed }: { hints?: string[]; exitCode?: ExitCode } = {}) {
    super(message);
    this.name = "CliFailure";
    this.hints = hints;
    this.exitCode = exitCode;
  }
}
