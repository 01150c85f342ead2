import { delimiter } from "node:path";
import { inheritable, isPlainVariable } from "../../platform/steering-env.ts";
import { ExecRefusal } from "./results.ts";

/** Pagers that are switched off, which is harmless and often meant well. */
const PAGERS: ReadonlySet<string> = new Set(["PAGER", "GIT_PAGER"]);

/**
 * The variables that a call sets, checked: none that steers programs, however it is written (KNOWN_ATTACKS 82).
 * @throws ExecRefusal in upstream's words
 */
export function checkedVariables(given: unknown): Record<string, string> {
  const checked: Record<string, string> = {};
  if (typeof given !== "object" || given === null) return checked;
  for (const [name, value] of Object.entries(given as Record<string, unknown>)) {
    if (PAGERS.has(name) && (value === "" || value === "cat")) {
      checked[name] = "";
    } else if (name.trim().toUpperCase() === "PATH") {
      throw new ExecRefusal("Security Violation: Custom 'PATH' variable is forbidden during host execution.");
    } else if (
      !isPlainVariable(name) ||
      /^OPENCLAW_/i.test(name) ||
      typeof value !== "string" ||
      value.includes("\0")
    ) {
      const shown = JSON.stringify(name).slice(1, -1);
      throw new ExecRefusal(`Security Violation: Environment variable '${shown}' is forbidden during host execution.`);
    } else checked[name] = value;
  }
  return checked;
}

/** What a command on this machine gets: the gateway's environment without what steers programs, and the call's. */
export function hostEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  given: Record<string, string>,
  pathPrepend: readonly string[],
): Record<string, string> {
  const env = inheritable(own);
  const path = [...pathPrepend, env.PATH || "/usr/local/bin:/usr/bin:/bin"].join(delimiter);
  return { ...env, ...given, PATH: path, OPENCLAW_SHELL: "exec" };
}
