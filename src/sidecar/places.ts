import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where sidecars keep their device and their records. */
export const sidecarFolder = (stateDir: string): string => join(stateDir, "sidecar");

/** The databases of the gateways that this machine has watched over, in the order of their names. */
export function sidecarDatabases(stateDir: string): string[] {
  const folder = sidecarFolder(stateDir);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".sqlite"));
  return names.sort().map((name) => join(folder, name));
}
