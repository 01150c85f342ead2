import type {
  PluginDiscovery,
  PluginsCatalogBrowseParams,
  PluginsCatalogBrowseResult,
  PluginsCatalogGetResult,
  PluginsSkillsReadParams,
} from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { PARTS } from "./parts.ts";
import type { Plugins } from "./plugins.ts";

const LOCAL = "local_";

/**
 * The catalogue in which a page looks for plugins (docs: gateway/protocol/rpc-system-and-channels). It holds what this
 * gateway has, and nothing of a registry, as nothing could be installed from there.
 */
export class PluginDiscoveries {
  constructor(private readonly plugins: Plugins) {}

  /** All on one page. A registry alone knows what is featured or in fashion, so there is none of that. */
  browse({ query, category, intent = "all", cursor }: PluginsCatalogBrowseParams): PluginsCatalogBrowseResult {
    if (intent !== "all" || cursor !== undefined) return { items: [] };
    const words = (query ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const items = this.all().filter(({ catalog, local }) => {
      const text = [catalog.name, local.pluginId, catalog.summary].join(" ").toLowerCase();
      return (category === undefined || catalog.categories.includes(category)) && words.every((w) => text.includes(w));
    });
    if (words.length === 0) return { items };
    return { items: items.map((item) => ({ ...item, catalog: { ...item.catalog, publishedToClawHub: false } })) };
  }

  /** @throws GatewayError for an id that the catalogue has not given out */
  get(id: string): PluginsCatalogGetResult {
    const pluginId = pluginOf(id);
    if (pluginId === null) throw invalidRequest("Unknown plugin discovery identity.");
    const plugin = this.all().find(({ local }) => local.pluginId === pluginId);
    if (!plugin) throw invalidRequest("Unknown local plugin discovery identity.");
    const detail = {
      origin: "local" as const,
      topics: [],
      configuration: [],
      mcpServers: [],
      skills: [],
      versions: [],
    };
    return { plugin, detail };
  }

  /** @throws GatewayError always: no part brings skills, and nothing of a registry is looked at */
  skill(params: PluginsSkillsReadParams): never {
    if (params.path?.split(/[\\/]/).includes("..")) throw invalidRequest("Invalid plugin skill bundle path.");
    if (params.source === "catalog") throw invalidRequest("Unknown ClawHub plugin identity.");
    if (!this.all().some(({ local }) => local.pluginId === params.pluginId.trim().toLowerCase())) {
      throw invalidRequest("Installed plugin not found.");
    }
    throw new GatewayError("UNAVAILABLE", "Plugin skill not found.");
  }

  private all(): PluginDiscovery[] {
    return [...PARTS.values()].flatMap((part) => {
      const { id, name, description, version, installed, enabled, state, categories = [] } = this.plugins.entry(part);
      if (!installed) return [];
      return {
        id: discoveryId(id),
        catalog: { name, summary: description, official: false, categories, latestVersion: version },
        local: { present: true, installed, enabled, state, pluginId: id, action: "manage" },
      };
    });
  }
}

const discoveryId = (pluginId: string): string => LOCAL + Buffer.from(pluginId).toString("base64url");

/** The plugin that an id of the catalogue stands for, whether there is one or not; null for what is no such id. */
export function pluginOf(id: string): string | null {
  const pluginId = id.startsWith(LOCAL) ? Buffer.from(id.slice(LOCAL.length), "base64url").toString() : "";
  return pluginId !== "" && discoveryId(pluginId) === id ? pluginId : null;
}
