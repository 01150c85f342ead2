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

/**
 * Decides key by key, by the reload class that the key tree gives it (docs: gateway/configuration/hot-reload). With
 * `gateway.reload.mode` off only that key itself is taken over.
 * @param applied the configuration in force, before defaults
 * @param next the file as it is now, before defaults
 */
export function planReload(applied: Tree, next: Tree): ReloadPlan {
  const off = valueAt(next, RELOAD_MODE) === "off";
  const changed = changedPaths(applied, next);
  const waiting = changed.filter((path) =>
    off ? dotted(path) !== dotted(RELOAD_MODE) : reloadClass(path) === "restart",
  );
  const tree = waiting.reduce((all, path) => withValue(all, path, valueAt(applied, path)), next);
  return { tree, changed: changed.map(dotted), waiting: waiting.map(dotted) };
}

const RELOAD_MODE = ["gateway", "reload", "mode"];
