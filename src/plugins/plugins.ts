import { createHash } from "node:crypto";
import type { GatewayConfig } from "../../generated/config.ts";
import type {
  PluginCatalogEntry,
  PluginDeclaredSurface,
  PluginRuntimeReceipt,
  PluginsControlUiListResult,
  PluginsControlUiReportParams,
  PluginsCredentialsInspectParams,
  PluginsCredentialsInspectResult,
  PluginsInspectResult,
  PluginsInstallRequest,
  PluginsListResult,
  PluginsRefreshResult,
  PluginsReloadParams,
  PluginsReloadResult,
  PluginsSetEnabledParams,
  PluginsSetEnabledResult,
} from "../../generated/types.ts";
import { configuredChannels } from "../channels/configured.ts";
import type { Tree } from "../config/json5.ts";
import { pluginSwitch } from "../config/plugin-policy.ts";
import type { ConfigPort } from "../config/types.ts";
import { withValue } from "../config/values.ts";
import { dict } from "../models/settings.ts";
import type { EventBus } from "../platform/bus.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import { METHOD_OWNERS, PARTS, type Part } from "./parts.ts";

export interface PluginsDeps {
  config: ConfigPort;
  bus: EventBus;
  /** Whether messages of a channel can be carried. */
  isAttached(channel: string): boolean;
  /** Writes what the function makes of the config file's tree. */
  edit(change: (tree: Tree) => Tree): void;
}

const unavailable = (message: string, details?: Record<string, unknown>): GatewayError =>
  new GatewayError("UNAVAILABLE", message, details ? { details } : {});

const NO_FOREIGN_CODE = "this gateway loads no foreign code: what it can do is built in";
const CONTROL_UI = "openclaw-control-ui";
/** The page's parts of plugins, of which there are none. */
const NO_PAGES: PluginsControlUiListResult = {
  revision: createHash("sha256").update("[]").digest("hex"),
  plugins: [],
  diagnostics: [],
};

/**
 * The parts of this gateway in the words in which upstream speaks of plugins (docs: tools/plugin,
 * gateway/protocol/rpc-system-and-channels): what there is, what the configuration has switched on, and why something
 * is not there. Nothing can be installed. Answers and refusals as measured at 2026.9.6.
 */
export class Plugins {
  private inUse: string;
  private generation = 0;

  constructor(private readonly deps: PluginsDeps) {
    this.inUse = this.listed();
    deps.config.onChange(() => this.noticeChange());
  }

  list(): PluginsListResult {
    const { config } = this.deps;
    const plugins = [...PARTS.values()].map((part) => {
      const { enabled } = this.state(part);
      return { ...this.entry(part), runtime: { state: enabled ? ("active" as const) : ("unloaded" as const) } };
    });
    return { plugins, diagnostics: this.strangers(config.current), mutationAllowed: true, generation: this.generation };
  }

  /** @throws GatewayError for an id that nobody knows */
  inspect(pluginId: string): PluginsInspectResult {
    const part = find(pluginId);
    if (!part) throw invalidRequest(`Plugin "${pluginId}" not found.`);
    const { id, name, description, version, installed, enabled } = this.entry(part);
    const declared = declaredOf(part);
    return {
      ok: true,
      plugin: { id, name, description, version, origin: "bundled", installed, enabled },
      source: { kind: "bundled" },
      declared,
      grants: {
        hooks: { allowPromptInjection: { effective: false }, allowConversationAccess: { effective: false } },
      },
      components: NO_COMPONENTS,
      overview: {},
      credentials: [],
      reviewToken: createHash("sha256").update(JSON.stringify({ id, declared })).digest("hex"),
      decisions: [],
    };
  }

  /**
   * Switches a part on or off, in the config file; it takes effect at once.
   * @throws GatewayError for a part that is not there, and when the configuration keeps it off in another way
   */
  setEnabled({ pluginId, enabled }: PluginsSetEnabledParams): PluginsSetEnabledResult {
    const { config, edit } = this.deps;
    const part = find(pluginId);
    if (!part) throw invalidRequest(`plugin not installed: ${pluginId}`);
    const reason = this.whyMissing(part);
    if (reason) throw invalidRequest(`plugin not installed: ${part.id} (${reason})`);
    const { id } = part;
    if (enabled) {
      const { plugins } = config.current;
      const without = { ...plugins, allow: undefined, entries: {} };
      const held = pluginSwitch({ plugins: without }, id);
      if (!held.isOn) throw invalidRequest(`plugin "${id}" could not be enabled (${held.because})`);
    }
    edit((tree) => switched(tree, id, enabled));
    return { ok: true, restartRequired: false, runtime: this.receipt([id]), plugin: this.entry(part) };
  }

  /** @throws GatewayError always: built-in parts stay, and nothing else is there */
  uninstall(pluginId: string): never {
    const part = find(pluginId);
    if (!part || this.whyMissing(part)) throw invalidRequest(`Plugin not found: ${pluginId}`);
    throw invalidRequest(`bundled plugin cannot be uninstalled: ${part.id}; disable it instead`);
  }

  /** @throws GatewayError always */
  install(request: PluginsInstallRequest): never {
    if (request.source === "official") {
      throw invalidRequest(`unknown official plugin catalog entry: ${request.pluginId}`);
    }
    if (request.source === "bundled") {
      const part = find(request.pluginId);
      if (part && !this.whyMissing(part)) throw invalidRequest(`${part.id} is built in; enable it instead`);
    }
    throw unavailable(`The plugin cannot be installed: ${NO_FOREIGN_CODE}.`, { pluginInstallRejected: true });
  }

  /** @throws GatewayError always: what a registry has could not be installed */
  search(): never {
    throw unavailable(`Plugins of a registry are not searched: ${NO_FOREIGN_CODE}.`);
  }

  /** @throws GatewayError always: only a registry has them */
  categories(): never {
    throw unavailable(`Plugin categories are unavailable: ${NO_FOREIGN_CODE}.`);
  }

  /** There is nothing to read anew: what is in use follows the configuration at once. */
  refresh(): PluginsRefreshResult {
    return { ok: true, restartRequired: false, runtime: this.receipt([]) };
  }

  /** As {@link refresh}, of named parts. @throws GatewayError for one that is not there */
  reload({ plugins }: PluginsReloadParams): PluginsReloadResult {
    const ids = plugins.map(({ pluginId }) => {
      const part = find(pluginId);
      if (!part || this.whyMissing(part)) throw invalidRequest(`Plugin "${pluginId}" is not part of this gateway.`);
      return part.id;
    });
    return { ok: true, restartRequired: false, runtime: this.receipt(ids), pluginIds: ids };
  }

  /** What has changed since a page drew itself; `methods` are those that can be called now. */
  uiDescriptors(methods: string[]) {
    return {
      ok: true as const,
      generation: this.generation,
      descriptors: [],
      methods: methods.filter((method) => !this.isGone(method)),
      controlUiTabs: [],
      controlUiWidgetKinds: [],
      controlUiLinkReaders: [],
      pluginSurfaceUrls: {},
    };
  }

  pages(): PluginsControlUiListResult {
    return NO_PAGES;
  }

  /** @throws GatewayError always: no part has a page that could have been started */
  report({ pluginId }: PluginsControlUiReportParams, clientId: string): never {
    if (clientId !== CONTROL_UI) throw invalidRequest("Activation reports require a connected Control UI");
    throw invalidRequest(`Plugin "${pluginId}" has no page here.`);
  }

  /**
   * How a credential below `plugins.entries` is set; never its value, also not where it is asked to be revealed.
   * @param declared the places of the part's credentials
   * @param file the config file's tree as `config.get` shows it, without its secrets
   * @throws GatewayError when the file has changed since it was read, and for a place that is none of a credential
   */
  credential(
    { path, baseHash }: PluginsCredentialsInspectParams,
    declared: readonly (readonly string[])[],
    file: () => unknown,
  ): PluginsCredentialsInspectResult {
    if (baseHash !== this.deps.config.hash) {
      throw invalidRequest("Configuration changed. Reload Settings before inspecting this reference.");
    }
    const place = declared.find((each) => each.length === path.length && each.every((key, at) => key === path[at]));
    if (!place) throw invalidRequest("This installed plugin does not declare that credential field.");
    const value = place.reduce<unknown>((tree, key) => dict(tree)[key], file());
    if (value === undefined || value === null) return { baseHash, credential: { kind: "missing" } };
    return {
      baseHash,
      credential: typeof value === "object" ? { kind: "reference", ref: value } : { kind: "literal" },
    };
  }

  /** Whether the part that has a method is switched off, so that nobody knows the method. */
  isGone(method: string): boolean {
    const part = METHOD_OWNERS.get(method);
    return part !== undefined && !this.state(part).enabled;
  }

  /** The refusal of a method whose part is off, in the words for one that does not exist; else null. */
  refusal(method: string): GatewayError | null {
    return this.isGone(method) ? invalidRequest(`unknown method: ${method}`) : null;
  }

  /** A part with its state, as `plugins.list` has it. */
  entry(part: Part): PluginCatalogEntry {
    const { id, name, description, kind, channelIds, category, categories } = part;
    return {
      id,
      name,
      ...this.state(part),
      version: COMPATIBLE_VERSION,
      removable: false,
      hasIcon: false,
      hasActivityIcon: false,
      description,
      origin: "bundled",
      ...(kind && { kind: [...kind] }),
      ...(channelIds && { channelIds: [...channelIds] }),
      ...(category && { category }),
      categories: [...categories],
    };
  }

  private state(part: Part): Pick<PluginCatalogEntry, "installed" | "enabled" | "state" | "error"> {
    const { current } = this.deps.config;
    const reason = this.whyMissing(part);
    const { isOn } = pluginSwitch(current, part.id, part.category !== "channel" || isWanted(current, part.id));
    if (!reason) return { installed: true, enabled: isOn, state: isOn ? "enabled" : "disabled" };
    const isAsked = isOn && (part.category === "channel" || current.plugins?.entries?.[part.id]?.enabled === true);
    if (isAsked) return { installed: false, enabled: false, state: "error", error: reason };
    return { installed: false, enabled: false, state: "not-installed" };
  }

  private whyMissing(part: Part): string | null {
    if (part.category !== "channel") return part.missing ?? null;
    return this.deps.isAttached(part.id) ? null : `this gateway cannot carry messages of ${part.name} yet`;
  }

  /** What the configuration names and this gateway does not have. */
  private strangers({ plugins }: GatewayConfig): { level: string; pluginId: string; message: string }[] {
    const named = [...Object.keys(dict(plugins?.entries)), ...(plugins?.allow ?? [])];
    return [...new Set(named)]
      .filter((id) => !PARTS.has(id))
      .map((pluginId) => ({
        level: "warn",
        pluginId,
        message: `Plugin "${pluginId}" is configured: ${NO_FOREIGN_CODE}.`,
      }));
  }

  private receipt(pluginIds: string[]): PluginRuntimeReceipt {
    return { operationId: uuid(), generation: this.generation, pluginIds, sourceDigests: {} };
  }

  private noticeChange(): void {
    const now = this.listed();
    if (now === this.inUse) return;
    this.inUse = now;
    this.generation++;
    this.deps.bus.publish("plugins.changed", { generation: this.generation });
  }

  private listed(): string {
    return [...PARTS.values()].flatMap((part) => (this.state(part).enabled ? part.id : [])).join(" ");
  }
}

const find = (pluginId: string): Part | undefined => PARTS.get(pluginId.trim().toLowerCase());

const isWanted = (config: GatewayConfig, channel: string): boolean =>
  configuredChannels(config).some(({ id, accounts }) => id === channel && accounts.some(({ enabled }) => enabled));

/** The file's tree with a part's own switch set; an allowlist that would keep it off gets its name, too. */
function switched(tree: Tree, id: string, enabled: boolean): Tree {
  const { [id]: entry, ...others } = dict(dict(tree.plugins).entries);
  const entries = { ...others, [id]: { ...dict(entry), enabled } };
  const after = withValue(tree, ["plugins", "entries"], entries);
  const { allow } = dict(tree.plugins);
  const isKept = !enabled || !Array.isArray(allow) || allow.length === 0 || allow.includes(id);
  return isKept ? after : withValue(after, ["plugins", "allow"], [...allow, id]);
}

function declaredOf({ channelIds = [], providers = [], contracts = [] }: Part): PluginDeclaredSurface {
  return {
    channels: [...channelIds],
    providers: [...providers],
    tools: [],
    contracts: [...contracts],
    hooks: [],
    mcpServers: [],
    cliCommands: [],
    cliBackends: [],
    skills: [],
    dangerousConfigFlags: [],
  };
}

const NO_COMPONENTS = {
  mapped: [],
  skills: [],
  skillDetails: [],
  mcpServers: [],
  commands: [],
  hooks: [],
  lspServers: [],
  unavailable: { capabilities: [], mcpServers: [], lspServers: [] },
};
