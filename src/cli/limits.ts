import { LIMIT_NOTES, LIMITS, type LimitName } from "../../generated/limits.ts";
import { EXIT, type Invocation } from "./command.ts";
import { writeJson } from "./io.ts";

/** Prints every bound with its unit and the reason for it, from `spec/chela/limits.yaml`. */
export async function run({ io, options }: Invocation): Promise<number> {
  const rows = Object.entries(LIMITS).map(([name, value]) => ({ name, value, ...LIMIT_NOTES[name as LimitName] }));
  if (options.flag("json")) {
    writeJson(io, rows);
    return EXIT.ok;
  }
  for (const { name, value, unit, reason } of rows) io.out(`${name} = ${value} ${unit}\n  ${reason}`);
  return EXIT.ok;
}
