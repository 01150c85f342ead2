import { join } from "node:path";
import { secretToken } from "../platform/ids.ts";
import { createPrivateFile, readPrivateFile } from "../platform/private-file.ts";

/**
 * The token that a gateway makes for itself when nobody configured one. It lies in the state directory, readable by its
 * owner alone, so that the next start has the same and the command line of this machine finds it.
 */
const fileOf = (stateDir: string): string => join(stateDir, "gateway-token");

/** The stored token, or undefined. */
export function storedToken(stateDir: string): string | undefined {
  return readPrivateFile(fileOf(stateDir))?.trim() || undefined;
}

/** The stored token, made now if there was none. */
export function storedOrNewToken(stateDir: string): { token: string; isNew: boolean; file: string } {
  const file = fileOf(stateDir);
  const known = storedToken(stateDir);
  if (known !== undefined) return { token: known, isNew: false, file };
  const token = secretToken();
  const isNew = createPrivateFile(file, `${token}\n`);
  return { token: isNew ? token : storedToken(stateDir)!, isNew, file };
}
