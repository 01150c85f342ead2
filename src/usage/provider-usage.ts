import { LIMITS } from "../../generated/limits.ts";
import type { ProviderUsage as ProviderReport, UsageStatusResult } from "../../generated/types.ts";
import type { ProviderEntry } from "../models/catalogue.ts";
import { redact } from "../models/failure.ts";
import type { Models } from "../models/models.ts";
import { readUpTo } from "../models/transport.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

type Report = Pick<ProviderReport, "windows" | "plan" | "summary">;

/** A provider that tells how much of a plan or balance is used, asked with the same key as the model calls. */
interface Source {
  /** The origin that this is known of; a proxy in its place is not asked. */
  origin: string;
  path: string;
  read(answer: unknown): Report | null;
}

const SOURCES: Readonly<Record<string, Source>> = {
  openrouter: { origin: "https://openrouter.ai", path: "/api/v1/key", read: openRouterKey },
  deepseek: { origin: "https://api.deepseek.com", path: "/user/balance", read: deepSeekBalance },
};

interface ProviderUsageOptions {
  models: Models;
  clock: Clock;
  log: Logger;
  /** Reaches the providers; tests bring their own. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Plans and balances as the configured providers themselves report them. What they do not report is not estimated. */
export class ProviderUsage {
  private readonly models: Models;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  private readonly known = new Map<string, { at: number; key: string; report: Promise<ProviderReport | null> }>();

  constructor({ models, clock, log, fetch = globalThis.fetch }: ProviderUsageOptions) {
    this.models = models;
    this.clock = clock;
    this.log = log.child("usage");
    this.fetch = fetch;
  }

  /** `usage.status`: one entry per provider that has a key and reports; empty when none does. */
  async status(): Promise<UsageStatusResult> {
    const providers = this.models.providers();
    const reports = Object.entries(SOURCES).map(([id, source]) => {
      const provider = providers.get(id);
      return provider ? this.report(provider, source) : null;
    });
    const settled = await Promise.all(reports);
    return { updatedAt: this.clock.now(), providers: settled.filter((report) => report !== null) };
  }

  private report(provider: ProviderEntry, source: Source): Promise<ProviderReport | null> | null {
    const credential = this.models.credential(provider);
    if (credential.kind !== "key" || new URL(provider.baseUrl).origin !== source.origin) return null;
    const known = this.known.get(provider.id);
    const now = this.clock.now();
    if (known && known.key === credential.key && now - known.at < LIMITS.usageCacheMs) return known.report;
    const report = this.ask(provider, source, credential.key);
    this.known.set(provider.id, { at: now, key: credential.key, report });
    return report;
  }

  private async ask(provider: ProviderEntry, source: Source, key: string): Promise<ProviderReport | null> {
    const head = { provider: provider.id, displayName: provider.name };
    try {
      const response = await this.fetch(source.origin + source.path, {
        headers: { authorization: `Bearer ${key}`, accept: "application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(LIMITS.usageTimeoutMs),
      });
      const body = await readUpTo(response.body, LIMITS.modelErrorBytes);
      if (!response.ok) return { ...head, windows: [], error: `HTTP ${response.status}` };
      const report = source.read(JSON.parse(new TextDecoder().decode(body)));
      return report && { ...head, ...report };
    } catch (error) {
      const reason = redact(error instanceof Error ? error.message : String(error), [key]);
      this.log.warn("a provider did not report its usage", { provider: provider.id, reason });
      return { ...head, windows: [], error: "the provider could not be asked" };
    }
  }
}

/** OpenRouter's `GET /api/v1/key`: dollars used, and the key's limit where it has one. */
function openRouterKey(answer: unknown): Report | null {
  const data = (answer as { data?: { usage?: unknown; limit?: unknown } } | null)?.data;
  const used = data?.usage;
  if (typeof used !== "number") return null;
  const limit = data?.limit;
  if (typeof limit !== "number" || limit <= 0) return { windows: [], summary: `$${used.toFixed(2)} used` };
  const usedPercent = Math.min(100, Math.max(0, (used / limit) * 100));
  return {
    windows: [{ label: "Key limit", usedPercent }],
    summary: `$${used.toFixed(2)} of $${limit.toFixed(2)} used`,
  };
}

/** DeepSeek's `GET /user/balance`: what is left in each currency. */
function deepSeekBalance(answer: unknown): Report | null {
  const infos = (answer as { balance_infos?: unknown } | null)?.balance_infos;
  if (!Array.isArray(infos)) return null;
  const left = infos
    .filter((info) => typeof info?.currency === "string" && typeof info?.total_balance === "string")
    .map((info) => `${info.total_balance} ${info.currency}`);
  return left.length > 0 ? { windows: [], summary: `${left.join(", ")} left` } : null;
}
