import type { GatewayRequestError, GatewayTransportError } from "../client/errors.ts";
import { EXIT, type ExitCode } from "./command.ts";
import type { Target } from "./target.ts";

interface FailureFacts {
  /** What to try next, one line each. */
  hints?: readonly string[];
  exitCode?: ExitCode;
  /** The error's `type` in JSON. */
  type?: string;
}

/** An end of a command that the person can act on. Printed without a stack. */
export class CliFailure extends Error {
  readonly hints: readonly string[];
  readonly exitCode: ExitCode;
  readonly type: string;

  constructor(message: string, { hints = [], exitCode = EXIT.failed, type = "cli_error" }: FailureFacts = {}) {
    super(message);
    this.name = "CliFailure";
    this.hints = hints;
    this.exitCode = exitCode;
    this.type = type;
  }
}

/** A gateway that could not be asked, or that said no. Carries the target, so that the report can name it. */
export class GatewayCallFailure extends Error {
  constructor(
    override readonly cause: GatewayRequestError | GatewayTransportError,
    readonly target: Target,
  ) {
    super(cause.message);
    this.name = "GatewayCallFailure";
  }
}
