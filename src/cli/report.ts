import { type GatewayRequestError, GatewayTransportError } from "../client/errors.ts";
import { EXIT, type ExitCode } from "./command.ts";
import { CliFailure, GatewayCallFailure } from "./failure.ts";
import { type Io, writeJson, writeJsonLine } from "./io.ts";

interface ReportOptions {
  io: Io;
  program: string;
  /** How JSON is printed, if it is. */
  json: false | "document" | "line";
  /** The command's path, when it was understood. */
  command?: string;
}

/** Tells what went wrong and gives the exit code for it. With `json` as one document on stdout, as upstream's CLI. */
export function reportFailure(error: unknown, options: ReportOptions): ExitCode {
  const { io, program, json } = options;
  if (error instanceof GatewayCallFailure) return reportCall(error, options);
  if (!(error instanceof CliFailure)) {
    const what = error instanceof Error ? error.stack : String(error);
    io.err(`${program} stopped because of a mistake of its own: ${what}`);
    return EXIT.failed;
  }
  const answer = { ok: false, error: { type: error.type, message: error.message } };
  if (json === "line") writeJsonLine(io, answer);
  else if (json) writeJson(io, answer);
  else for (const line of [error.message, ...error.hints]) io.err(line);
  return error.exitCode;
}

function reportCall(failure: GatewayCallFailure, { io, program, json, command }: ReportOptions): ExitCode {
  const { cause, target } = failure;
  if (json) {
    // Only the commands that are about the gateway itself tell more than the message (CLI.md section 1).
    const isAboutGateway = command?.startsWith("gateway ") ?? false;
    writeJson(
      io,
      isAboutGateway ? details(failure) : { ok: false, error: { type: "cli_error", message: cause.message } },
    );
    return EXIT.failed;
  }
  io.err(command === "gateway call" ? `Gateway call failed: ${cause.message}` : cause.message);
  if (!(cause instanceof GatewayTransportError)) {
    for (const line of nextSteps(cause, program)) io.err(line);
    return EXIT.failed;
  }
  if (target.isLocal) io.err(`Start it with \`${program} gateway run\`, or look at \`${program} gateway status\`.`);
  for (const line of [`Gateway target: ${target.url}`, `Source: ${target.source}`, `Config: ${target.configPath}`])
    io.err(line);
  return EXIT.failed;
}

/** What to do about a refusal, where its message alone does not say. */
function nextSteps({ detailCode, details }: GatewayRequestError, program: string): string[] {
  const requestId = details?.requestId;
  if (detailCode !== "PAIRING_REQUIRED" || typeof requestId !== "string" || !/^[\w-]+$/.test(requestId)) return [];
  const approve = `${program} gateway call device.pair.approve --params '{"requestId":"${requestId}"}'`;
  return ["Approve this device on the gateway's machine, then try again:", `  ${approve}`];
}

function details({ cause, target }: GatewayCallFailure): object {
  if (cause instanceof GatewayTransportError) {
    const { kind, message, facts } = cause;
    const extra = kind === "timeout" ? { timeoutMs: facts.timeoutMs } : { reason: facts.reason ?? message };
    return {
      ok: false,
      error: { type: "gateway_transport_error", kind, message, ...extra },
      gateway: { url: target.url, urlSource: target.source },
    };
  }
  const { code, message, details, retryable } = cause;
  return { ok: false, error: { type: "gateway_request_error", code, message, ...(details && { details }), retryable } };
}
