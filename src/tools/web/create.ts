import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { PostOptions } from "../../platform/http-safe.ts";
import type { Tool } from "../types.ts";
import { fetchTool } from "./fetch.ts";
import type { PageBounds } from "./lazy/page-tree.ts";
import type { WebSearch } from "./search/search.ts";
import { searchTool } from "./search/tool.ts";

/** Characters and counts; values and reasons in `spec/chela/limits.yaml`. */
export interface WebLimits extends PageBounds {
  webCacheEntries: number;
  webErrorChars: number;
  webSearchBytes: number;
}

export interface WebDeps {
  config: Pick<ConfigPort, "current" | "env">;
  defender: Pick<DefenderPort, "judge" | "screen">;
  clock: Clock;
  limits: WebLimits;
  /** Finds addresses of names; tests bring their own. */
  resolve?: PostOptions["resolve"];
}

/** The tools that use the web: `web_fetch` and `web_search`. */
export const webTools = (deps: WebDeps, search: WebSearch): Tool[] => [fetchTool(deps), searchTool(search, deps)];
