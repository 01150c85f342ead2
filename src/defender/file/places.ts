import { ACCOUNTS, AUTOSTART, CREDENTIALS, DISK, groundOf, isWholeHome, KERNEL, LOGS } from "../command/rules/paths.ts";
import type { Finding } from "../types.ts";

/** Files of a workspace that are run by the tools which open it. */
const RUN_IN_WORKSPACE =
  /\/\.git\/(?:hooks\/|config$|modules\/)|\/\.ssh\/|\/authorized_keys2?$|\/\.(?:envrc|vscode\/(?:tasks|launch|settings)\.json|idea\/workspace\.xml|husky\/|pre-commit-config\.yaml)/;

/** Places where one written file decides what happens later. All paths absolute, without links and `..`. */
export function placeFindings(path: string, root: string, stateDir: string): Finding[] {
  const isInRoot = root !== "/" && isBelow(path, root);
  if (isBelow(path, stateDir) && !(isInRoot && isBelow(root, stateDir)) && !isWorkspace(path, stateDir)) {
    return [finding("own-state", 85, "The file is part of the gateway's own state.")];
  }
  // A home folder as a workspace does not make its shell profiles ordinary files.
  if (isInRoot && (!isWholeHome(root) || !(AUTOSTART.test(path) || CREDENTIALS.test(path)))) return inWorkspace(path);
  if (KERNEL.test(path) || DISK.test(path)) return [finding("device", 85, "The file is a device or a kernel setting.")];
  if (ACCOUNTS.test(path)) return [finding("accounts", 75, "The file decides who may do what on this machine.")];
  if (AUTOSTART.test(path)) return [finding("autostart", 70, "What the file holds is run by itself later.")];
  if (CREDENTIALS.test(path)) return [finding("credentials", 65, "The file holds keys or passwords.")];
  if (LOGS.test(path)) return [finding("logs", 65, "The file is a record of what happened on this machine.")];
  return groundOf(path, root) === "system" ? [finding("system", 60, "The file belongs to the system.")] : [];
}

const inWorkspace = (path: string): Finding[] =>
  RUN_IN_WORKSPACE.test(path) ? [finding("run-by-tools", 55, "The file is run by tools that open this folder.")] : [];

/** Every agent's workspace lies in the state directory unless told otherwise. */
const isWorkspace = (path: string, stateDir: string): boolean =>
  path.slice(stateDir.length + 1).startsWith("workspace") && path.includes("/", stateDir.length + 1);

const isBelow = (path: string, folder: string): boolean =>
  folder !== "" && path.startsWith(`${folder.replace(/\/$/, "")}/`);

const finding = (id: string, score: number, reason: string): Finding => ({ id: `file.${id}`, score, reason });
