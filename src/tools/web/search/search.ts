import { type FetchAnswer, fetchSafely } from "../../../platform/fetch-safe.ts";
import { OutboundRefused } from "../../../platform/http-safe.ts";
import { ToolError } from "../../types.ts";
import { ResultCache } from "../cache.ts";
import type { WebDeps } from "../create.ts";
import { searchSettings } from "../settings.ts";
import { chosen, type Setup, type Standing } from "./choose.ts";
import type { SearchAccess, SearchCall, SearchQuery } from "./provider.ts";
import { type Result, resultOf } from "./shown.ts";

/** What came of a search. */
export interface Outcome {
  provider: string;
  label: string;
  result: Result;
  tookMs: number;
  isCached: boolean;
}

/** A provider could not be searched. Its message holds no word of the provider. */
export class SearchFailed extends Error {
  constructor(
    readonly provider: string,
    message: string,
  ) {
    super(message);
  }
}

export interface SearchOptions {
  signal: AbortSignal;
  /** Asked before every call; what it rejects with ends the search. */
  permit(url: string, method: "GET" | "POST"): Promise<void>;
  /** Shown what came before anything else is done with it; what it rejects with ends the search. */
  screen(result: Result): Promise<void>;
  /** Neither takes nor keeps results. */
  isFresh?: boolean;
}

/** Searches the web with the services that are configured, and remembers what they found for a while. */
export class WebSearch {
  private readonly cache: ResultCache<Result>;

  constructor(private readonly deps: WebDeps) {
    this.cache = new ResultCache(deps.clock, deps.limits.webCacheEntries);
  }

  get setup(): Setup {
    const { config } = this.deps;
    return { config: config.current, env: config.env ?? process.env };
  }

  /** Whether a search would have somewhere to go. */
  get isReady(): boolean {
    return chosen(this.setup).length > 0;
  }

  /**
   * Asks the provider that is named in the configuration, else the ready ones in order until one answers (docs: tools/web).
   * @throws SearchFailed with the first failure; ToolError for what a filter or the caller's checks refuse
   */
  async search(query: SearchQuery, options: SearchOptions): Promise<Outcome> {
    let first: SearchFailed | ToolError | undefined;
    for (const standing of chosen(this.setup)) {
      try {
        return await this.ask(standing, query, options);
      } catch (error) {
        if (!(error instanceof SearchFailed)) throw error;
        first ??= error;
      }
    }
    throw first ?? new SearchFailed("none", "No search provider is ready.");
  }

  /** Asks one provider. */
  async ask(standing: Standing, query: SearchQuery, options: SearchOptions): Promise<Outcome> {
    const { clock } = this.deps;
    const { provider, access } = standing;
    const { cacheMs } = searchSettings(this.setup.config);
    const lifeMs = options.isFresh ? 0 : cacheMs;
    const began = clock.now();
    const key = JSON.stringify([provider.id, access?.baseUrl, access?.settings, query]);
    const known = this.cache.find(key, lifeMs);
    const result = known ?? (await this.fetched(standing, query, options));
    options.signal.throwIfAborted();
    if (!known) {
      await options.screen(result);
      this.cache.keep(key, result, lifeMs);
    }
    const { id, label } = provider;
    return { provider: id, label, result, tookMs: clock.now() - began, isCached: known !== undefined };
  }

  private async fetched({ provider, access, policy }: Standing, query: SearchQuery, options: SearchOptions) {
    const { clock } = this.deps;
    const given: SearchAccess = { ...access!, now: clock.now() };
    for (let asked = query; ; ) {
      const answer = await this.call(provider, provider.call(asked, given), policy, options);
      const found = provider.read(answer, asked, given);
      if (found === undefined)
        throw new SearchFailed(provider.id, `${provider.label} answered in a form that is unknown.`);
      if (!("again" in found)) return resultOf(found, query.count);
      asked = { ...asked, ...found.again };
    }
  }

  private async call(
    { id, label }: Standing["provider"],
    call: SearchCall,
    policy: Standing["policy"],
    { signal, permit }: SearchOptions,
  ): Promise<Record<string, unknown>> {
    const { method, url, body } = call;
    const { timeoutMs } = searchSettings(this.setup.config);
    const { resolve, limits } = this.deps;
    const headers: Record<string, string> = { accept: "application/json", "user-agent": "chela", ...call.headers };
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer: FetchAnswer;
    try {
      answer = await fetchSafely(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(policy ? { policy } : {}),
        ...(resolve ? { resolve } : {}),
        timeoutMs,
        signal,
        maxBytes: limits.webSearchBytes,
        // A service that moves would take its key along.
        maxRedirects: 0,
        permit: (next) => permit(next, method),
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof ToolError) throw error;
      const why =
        error instanceof OutboundRefused ? "its address may not be called" : "it could not be reached in time";
      throw new SearchFailed(id, `${label}: ${why}.`);
    }
    if (answer.status >= 400) throw new SearchFailed(id, refusal(label, answer.status));
    const read = answer.isCut ? undefined : parsed(answer.body);
    if (read === undefined) throw new SearchFailed(id, `${label} answered in a form that is unknown.`);
    return read;
  }
}

function refusal(label: string, status: number): string {
  if (status === 401 || status === 403)
    return `${label} refuses the key (${status}). Check it, or choose another provider.`;
  if (status === 402 || status === 429) return `${label} allows no more searches for now (${status}). Try again later.`;
  return `${label} answered with an error (${status}).`;
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
