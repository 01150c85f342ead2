import { readFileSync } from "node:fs";
import { CliFailure } from "./failure.ts";

const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/** The text of a file, or of standard input for `-`. @throws CliFailure when it cannot be read as text */
export function inputText(from: "-" | { path: string }): string {
  const name = from === "-" ? "Standard input" : from.path;
  let bytes: Buffer;
  try {
    bytes = readFileSync(from === "-" ? 0 : from.path);
  } catch (error) {
    throw new CliFailure(`${name} cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length > MAX_INPUT_BYTES) throw new CliFailure(`${name} is longer than 64 MiB.`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CliFailure(`${name} is not UTF-8 text.`);
  }
}
