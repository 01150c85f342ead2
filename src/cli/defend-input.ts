import { readFileSync } from "node:fs";
import { CliFailure } from "./failure.ts";

const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/** The bytes of a file, or of standard input for `-`. @throws CliFailure when they cannot be read */
export function inputBytes(from: "-" | { path: string }): Buffer {
  const name = nameOf(from);
  let bytes: Buffer;
  try {
    bytes = readFileSync(from === "-" ? 0 : from.path);
  } catch (error) {
    throw new CliFailure(`${name} cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length > MAX_INPUT_BYTES) throw new CliFailure(`${name} is longer than 64 MiB.`);
  return bytes;
}

/** The text of a file, or of standard input for `-`. @throws CliFailure when it cannot be read as text */
export function inputText(from: "-" | { path: string }): string {
  const text = textIn(inputBytes(from));
  if (text === null) throw new CliFailure(`${nameOf(from)} is not UTF-8 text.`);
  return text;
}

/** Null for bytes that are no text. */
export function textIn(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const nameOf = (from: "-" | { path: string }): string => (from === "-" ? "Standard input" : from.path);
