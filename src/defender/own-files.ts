import { basename, join } from "node:path";
import type { ConfigPort } from "../config/types.ts";
import type { ActionGuard } from "./guard.ts";
import type { Finding } from "./types.ts";

/**
 * Keeps what the defender stands on out of reach of commands: its keys, policy and records, and the configuration that
 * switches it on. Whoever changes these as a person does it by the gateway's methods or by hand. The file guard keeps the
 * file tools from them.
 */
export function ownFilesGuard({ stateDir, path }: Pick<ConfigPort, "stateDir" | "path">): ActionGuard {
  const folder = join(stateDir, "defender");
  const files = [path, join(stateDir, "chela.sqlite"), join(stateDir, "chela.sqlite-wal")];
  // As commands may write them: from the state directory's own name on, whatever stands for what is before it.
  const state = basename(stateDir);
  const marks = [folder, `${state}/defender`, ...files, `${state}/${basename(path)}`, "chela.sqlite"];
  return {
    name: "own-files",
    inspect(action) {
      if (action.kind !== "command") return [];
      return marks.some((mark) => action.command.includes(mark)) ? [FINDING] : [];
    },
  };
}

const FINDING: Finding = {
  id: "own-files",
  score: 75,
  reason: "It would touch the gateway's own configuration, keys or records.",
};
