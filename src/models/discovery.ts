import { PROVIDERS } from "../../generated/catalog.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { LocalServer } from "./catalogue.ts";
import { isLoopback } from "./credentials.ts";
import { readUpTo } from "./transport.ts";

/** Where a local server is looked for, and how it lists its models. */
export interface LocalEndpoint {
  provider: string;
  name: string;
  /** Address for calls; the list is asked beside it. */
  baseUrl: string;
  list: "openai" | "ollama";
}

/** The default ports of the servers in the catalogue that are looked for. */
export function defaultEndpoints(): LocalEndpoint[] {
  return Object.entries(PROVIDERS).flatMap(([provider, { name, baseUrl, local }]) =>
    local?.discover ? [{ provider, name, baseUrl, list: local.list }] : [],
  );
}

const NONE: readonly LocalServer[] = [];

interface DiscoveryOptions {
  clock: Clock;
  log: Logger;
  endpoints?: readonly LocalEndpoint[];
  /** Called when a look has found something else than the one before. */
  changed?: () => void;
}

/**
 * Looks for model servers on this machine, only when asked, never further than loopback. Concurrent askers share
 * one look, and a look counts for a while.
 */
export class Discovery {
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly endpoints: readonly LocalEndpoint[];
  private readonly changed: (() => void) | undefined;
  private known: { at: number; servers: LocalServer[] } | null = null;
  private looking: Promise<LocalServer[]> | null = null;

  constructor({ clock, log, endpoints = defaultEndpoints(), changed }: DiscoveryOptions) {
    this.clock = clock;
    this.log = log;
    this.changed = changed;
    this.endpoints = endpoints.filter(({ baseUrl }) => isLoopback(baseUrl));
  }

  /** What the last look found, without looking. The same list until the next look, so that others can keep what they made of it. */
  get last(): readonly LocalServer[] {
    return this.known?.servers ?? NONE;
  }

  /** The servers that answer now, or answered a moment ago. `skip` names providers that are not looked for. */
  async servers(options: { fresh?: boolean; skip?: ReadonlySet<string> } = {}): Promise<readonly LocalServer[]> {
    const recent = this.known && this.clock.now() - this.known.at < LIMITS.modelDiscoveryCacheMs;
    if (recent && !options.fresh) return this.known!.servers;
    this.looking ??= this.look(options.skip ?? new Set()).finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async look(skip: ReadonlySet<string>): Promise<LocalServer[]> {
    const asked = this.endpoints.filter(({ provider }) => !skip.has(provider));
    const found = await Promise.all(asked.map((endpoint) => this.ask(endpoint)));
    const servers = found.filter((server) => server !== null);
    if (servers.length > 0)
      this.log.info("local model servers found", { servers: servers.map(({ name, baseUrl }) => `${name} ${baseUrl}`) });
    const before = this.last;
    this.known = { at: this.clock.now(), servers };
    if (JSON.stringify(before) !== JSON.stringify(servers)) this.changed?.();
    return servers;
  }

  private async ask({ provider, name, baseUrl, list }: LocalEndpoint): Promise<LocalServer | null> {
    const url = list === "ollama" ? new URL("/api/tags", baseUrl).href : `${baseUrl}/models`;
    try {
      const response = await fetch(url, {
        redirect: "error",
        headers: { accept: "application/json" },
        signal: AbortSignal.timeout(LIMITS.modelDiscoveryTimeoutMs),
      });
      if (!response.ok) {
        await response.body?.cancel();
        return null;
      }
      const bytes = await readUpTo(response.body, LIMITS.modelDiscoveryBytes);
      const models = listedModels(JSON.parse(new TextDecoder().decode(bytes)), list);
      return models && { provider, name, baseUrl, models };
    } catch {
      // Nothing listens there, or something that is no model server: both mean that there is none.
      return null;
    }
  }
}

/** The models in a server's list, or null when the answer is no such list. Embedding models cannot chat and are left out. */
function listedModels(answer: unknown, list: "openai" | "ollama"): LocalServer["models"] | null {
  const body = answer as { data?: unknown; models?: unknown } | null;
  const rows = list === "ollama" ? body?.models : body?.data;
  if (!Array.isArray(rows)) return null;
  return rows
    .slice(0, LIMITS.modelDiscoveryModels)
    .map((row: { id?: unknown; name?: unknown; max_model_len?: unknown; meta?: { n_ctx_train?: unknown } }) => {
      const window = row?.max_model_len ?? row?.meta?.n_ctx_train;
      return {
        id: list === "ollama" ? row?.name : row?.id,
        ...(typeof window === "number" && window > 0 ? { contextWindow: window } : {}),
      };
    })
    .filter(
      (row): row is { id: string; contextWindow?: number } =>
        typeof row.id === "string" && row.id !== "" && !/embed/i.test(row.id),
    );
}
