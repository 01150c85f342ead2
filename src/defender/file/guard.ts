import { realpathSync } from "node:fs";
import type { ActionGuard } from "../guard.ts";
import type { Action, Finding } from "../types.ts";
import { archiveFindings } from "./archive.ts";
import { isLookedAt, nameFindings } from "./names.ts";
import { placeFindings } from "./places.ts";
import { typeOf } from "./type.ts";

type Written = Extract<Action, { kind: "file-write" | "install" }>;

/**
 * Judges files that are about to be written: by where they go, by their names, and by what their content is in truth.
 * An ordinary file in a workspace costs a look at its first bytes.
 * @param stateDir the gateway's own folder, absolute
 */
export function fileGuard(stateDir: string): ActionGuard {
  // Paths come with their links resolved; the folder is there at the latest when the first is judged.
  let own: string | undefined;
  const ownFolder = (): string => {
    own ??= resolved(stateDir);
    return own;
  };
  return {
    name: "file",
    inspect: (action) => {
      if (action.kind !== "file-write" && action.kind !== "install") return [];
      const found = nameFindings(action.path);
      if (action.kind === "file-write") found.push(...placeFindings(action.path, action.root, ownFolder()));
      if (action.content !== undefined) found.push(...contentFindings(action, action.content));
      return found;
    },
  };
}

function resolved(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

function contentFindings({ kind, path }: Written, content: Uint8Array): Finding[] {
  const type = typeOf(content);
  if (type === "zip" || type === "tar" || type === "gzip") return archiveFindings(content, type);
  const isRun = type === "program" || type === "shortcut" || type === "package";
  if (isRun && isLookedAt(path)) {
    return [
      finding("disguised-program", 80, "The file is a program, and its name says that it is something to look at."),
    ];
  }
  if (type === "script" && isLookedAt(path)) {
    return [finding("disguised-script", 55, "The file is a script, and its name says that it is something to read.")];
  }
  if (isRun) {
    const how = kind === "install" ? "What is installed holds a program" : "The file is a program";
    return [finding("program", 60, `${how} that nobody can read.`)];
  }
  return [];
}

const finding = (id: string, score: number, reason: string): Finding => ({ id: `file.${id}`, score, reason });
