import { readFileSync } from "node:fs";
import { CliFailure } from "./failure.ts";
import type { Options } from "./options.ts";

/** A secret in a file, so that it need not be on the command line, where others on the machine can see it. */
function secretFromFile(what: "token" | "password", path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new CliFailure(`The ${what} file cannot be read: ${(error as Error).message}`);
  }
  if (text === "") throw new CliFailure(`The ${what} file ${path} is empty.`);
  return text;
}

/** The secret of `--token`, `--password` or a file that one of `--token-file` and `--password-file` names. */
export function givenSecret(options: Options, what: "token" | "password"): string | undefined {
  return options.text(what) ?? secretFromFile(what, options.text(`${what}-file`));
}
