import { isShellRunning, saysTheSame } from "../approvals/command/words.ts";
import { invalidRequest } from "../platform/errors.ts";

/** An argument list in the spelling that node hosts use and compare: words with blanks or quotes in double quotes. */
export const nodeCommandText = (argv: readonly string[]): string => argv.map(spelled).join(" ");

function spelled(word: string): string {
  if (word === "") return '""';
  return /[\s"]/.test(word) ? `"${word.replaceAll('"', '\\"')}"` : word;
}

/**
 * A text beside an argument list must say what the list runs, in the node's spelling or any other, or be the script of
 * a shell that it starts. Otherwise a list of allowed commands would judge one thing and the node run another
 * (KNOWN_ATTACKS 71). @throws GatewayError `RAW_COMMAND_MISMATCH`, `MISSING_COMMAND`
 */
export function requireSameText(command: unknown, rawCommand: unknown): void {
  const raw = typeof rawCommand === "string" ? rawCommand.trim() : "";
  if (raw === "") return;
  if (!Array.isArray(command) || command.length === 0) {
    throw invalidRequest("rawCommand requires params.command", { code: "MISSING_COMMAND" });
  }
  const argv = command.map(String);
  const inferred = nodeCommandText(argv);
  if (raw === inferred || saysTheSame(raw, argv) || isShellRunning(raw, argv)) return;
  throw invalidRequest("INVALID_REQUEST: rawCommand does not match command", {
    code: "RAW_COMMAND_MISMATCH",
    rawCommand: raw,
    inferred,
    formattedArgv: inferred,
  });
}
