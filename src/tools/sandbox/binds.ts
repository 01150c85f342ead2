import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";

/** A folder or file of this machine at a place within a sandbox. */
export interface Mount {
  source: string;
  target: string;
  isWritable: boolean;
}

/** Places that give a sandbox the machine or somebody's credentials (docs: multiple-folders-for-one-agent). */
const SYSTEM = ["/etc", "/proc", "/sys", "/dev", "/root", "/boot", "/run", "/var/run", "/var/lib/docker"];
const OF_HOME = [".aws", ".cargo", ".config", ".docker", ".gnupg", ".netrc", ".npm", ".ssh", ".kube", ".openclaw"];
/** Where the sandbox has its own things. */
const RESERVED = ["/workspace", "/agent"];
const OWN = ["/", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/proc", "/dev", "/sys"];

export interface BindRules {
  /** The workspaces; other sources need the operator's word. */
  roots: readonly string[];
  /** What no sandbox may see besides: the gateway's own state. */
  forbidden: readonly string[];
  allowsReservedTargets: boolean;
  allowsExternalSources: boolean;
}

/** A bind that may not be. */
export class BindRefused extends Error {}

/**
 * Reads `source:target:mode` entries. Sources are judged where links lead, also those that are not there yet, so that
 * none leads into the system (KNOWN_ATTACKS 86). Of several at one target the last one counts.
 * @throws BindRefused
 */
export function checkedBinds(entries: readonly string[], rules: BindRules): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const entry of entries) {
    const [source = "", target = "", mode = "rw", ...more] = entry.split(":");
    const refuse = (why: string): never => {
      throw new BindRefused(`sandbox bind "${entry}" is refused: ${why}`);
    };
    if (more.length > 0 || !isAbsolute(source) || !isAbsolute(target) || !["ro", "rw"].includes(mode)) {
      refuse("it is not of the form /source:/target:ro or :rw");
    }
    const place = normalize(target).replace(/(.)\/+$/, "$1");
    if (OWN.some((folder) => place === folder || (folder !== "/" && place.startsWith(`${folder}/`)))) {
      refuse("its target belongs to the sandbox itself");
    }
    if (!rules.allowsReservedTargets && RESERVED.some((folder) => isWithin(place, folder))) {
      refuse("its target is reserved (dangerouslyAllowReservedContainerTargets)");
    }
    const real = realOf(normalize(source));
    if (!isSafe(normalize(source), rules.forbidden) || !isSafe(real, rules.forbidden)) {
      refuse("its source is a place of the system or of credentials");
    }
    const roots = rules.roots.map(realOf);
    if (!rules.allowsExternalSources && !roots.some((root) => isWithin(real, root))) {
      refuse("its source is outside the workspaces (dangerouslyAllowExternalBindSources)");
    }
    mounts.set(place, { source: real, target: place, isWritable: mode === "rw" });
  }
  return [...mounts.values()];
}

function isSafe(path: string, forbidden: readonly string[]): boolean {
  const homes = OF_HOME.map((name) => join(homedir(), name));
  const closed = [...SYSTEM, ...homes, ...forbidden, ...forbidden.map(realOf)];
  // Neither within such a place nor around it.
  const isRoot = path === "/" || closed.some((place) => isWithin(place, path));
  return !isRoot && !closed.some((place) => isWithin(path, place)) && !/\.sock$/.test(path);
}

export const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** The path with its links followed as far as it exists. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realOf(parent), basename(path));
  }
}
