import { COMPATIBLE_VERSION, OWN_VERSION } from "../protocol/version.ts";
import { EXIT, type Invocation } from "./command.ts";
import { writeJson } from "./io.ts";

/**
 * Prints the version. Called as `openclaw`, the upstream release comes first, where scripts written for that look for
 * a number.
 */
export async function run({ io, options, program }: Invocation): Promise<number> {
  if (options.flag("json")) writeJson(io, { name: "chela", version: OWN_VERSION, compatible: COMPATIBLE_VERSION });
  else if (program === "openclaw") io.out(`OpenClaw ${COMPATIBLE_VERSION} (Chela ${OWN_VERSION})`);
  else io.out(`Chela ${OWN_VERSION} (OpenClaw ${COMPATIBLE_VERSION})`);
  return EXIT.ok;
}
