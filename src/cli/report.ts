import { EXIT, type ExitCode } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";

/** Tells what went wrong and gives the exit code for it. With `json` as one document on stdout, as upstream's CLI. */
export function reportFailure(
  error: unknown,
  { io, program, json }: { io: Io; program: string; json: boolean },
): ExitCode {
  if (!(error instanceof CliFailure)) {
    io.err(
      `${program} stopped because of a mistake of its own: ${error instanceof Error ? error.stack : String(error)}`,
    );
    return EXIT.failed;
  }
  if (json) writeJson(io, { ok: false, error: { type: "cli_error", message: error.message } });
  else for (const line of [error.message, ...error.hints]) io.err(line);
  return error.exitCode;
}
