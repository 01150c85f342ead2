import type { Tree } from "./json5.ts";
import { dotted } from "./problem.ts";
import { changedPaths, reloadClass, valueAt, withValue } from "./values.ts";

/** What becomes of a changed file while the gateway runs. */
export interface ReloadPlan {
  /** The configuration from now on: the new one, with the old values of what needs a restart. */
  tree: Tree;
  /** Keys that differ between the configuration in force and the file. */
  changed: string[];
  /** Those of them that stay as they are until the next start. */
  waiting: string[];
}

/** What `gateway.reload.mode` asks for. `hot` and `restart` are retired upstream and still mean what they meant. */
export type ReloadMode = "off" | "hot" | "hybrid" | "restart";

export function reloadMode(tree: Tree): ReloadMode {
  const mode = valueAt(tree, RELOAD_MODE);
  return mode === "off" || mode === "hot" || mode === "restart" ? mode : "hybrid";
}

/** Whether a change that needs a restart gets one by itself. */
export const restartsByItself = (tree: Tree): boolean => ["hybrid", "restart"].includes(reloadMode(tree));

/**
 * Decides key by key, by the reload class that the key tree gives it (docs: gateway/configuration/hot-reload). With
 * `gateway.reload.mode` off or restart only that key itself is taken over.
 * @param applied the configuration in force, before defaults
 * @param next the file as it is now, before defaults
 */
export function planReload(applied: Tree, next: Tree): ReloadPlan {
  const mode = reloadMode(next);
  const takesNothing = mode === "off" || mode === "restart";
  const changed = changedPaths(applied, next);
  const waiting = changed.filter((path) =>
    takesNothing ? dotted(path) !== dotted(RELOAD_MODE) : reloadClass(path) === "restart",
  );
  const tree = waiting.reduce((all, path) => withValue(all, path, valueAt(applied, path)), next);
  return { tree, changed: changed.map(dotted), waiting: waiting.map(dotted) };
}

const RELOAD_MODE = ["gateway", "reload", "mode"];
