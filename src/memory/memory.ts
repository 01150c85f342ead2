import { createHash } from "node:crypto";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { AgentSettings } from "../agents/roster.ts";
import { pluginSwitch } from "../config/plugin-policy.ts";
import type { ConfigPort } from "../config/types.ts";
import { environment } from "../models/credentials.ts";
import type { Models } from "../models/models.ts";
import { dict, text } from "../models/settings.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import { type EmbedderLimits, EmbeddingFailed, embed } from "./embedder.ts";
import { type EmbeddingTarget, embeddingTarget, NoEmbeddings } from "./embedding-providers.ts";
import { type IndexedAgent, Indexer, type IndexLimits } from "./indexer.ts";
import { MemoryRepository, type MemorySource, type SearchArea } from "./memory-repository.ts";
import { type Candidate, goodEnough, isSpaced, queryWords, type RankedChunk, ranked } from "./ranking.ts";
import { type Excerpt, type ExcerptWish, readMemory } from "./read.ts";
import { type MemorySettings, memorySettings } from "./settings.ts";
import { MemoryTranscripts } from "./transcripts.ts";

/** Bytes, files, pieces and milliseconds; values and reasons in `spec/chela/limits.yaml`. */
export interface MemoryLimits extends IndexLimits, EmbedderLimits {
  memoryVectors: number;
  memorySessions: number;
  memorySessionMessages: number;
  memoryCandidates: number;
  memoryVectorPage: number;
  memoryQueryChars: number;
  memorySyncWaitMs: number;
  embeddingBatch: number;
  embeddingProbeTtlMs: number;
  searchWords: number;
}

export interface MemoryDeps {
  store: Store;
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Sessions;
  models: Models;
  clock: Clock;
  log: Logger;
  limits: MemoryLimits;
}

export interface MemorySearch {
  query: string;
  maxResults?: number;
  minScore?: number;
  /** Only of these; all that the settings name unless told. */
  sources?: readonly MemorySource[];
  signal: AbortSignal;
}

/** What a search found, and how. */
export interface MemoryFindings {
  results: RankedChunk[];
  /** The embedding provider; `none` where words alone were compared. */
  provider: string;
  model?: string;
  mode: "hybrid" | "fts-only";
  /** Why words alone were compared, though nobody chose so. */
  degraded?: { provider: string; reason: string };
  /** The index is still being brought up to date. */
  isStale: boolean;
}

/** Memory cannot be searched as it is set up: the provider that is named does not answer. */
export class MemoryUnavailable extends Error {}

/** What is known of an agent's vectors: whether they can be had, when that was found out. */
interface Probe {
  ok: boolean;
  error?: string;
  checkedAtMs: number;
  /** Who was asked; of another provider nothing is known. */
  of: string;
}

/**
 * What agents have written down to remember, found by words and by meaning (docs: concepts/memory-search,
 * concepts/memory-builtin). Nothing is read before somebody searches.
 */
export class Memory {
  readonly repository: MemoryRepository;
  private readonly indexer: Indexer;
  /** Of agents whose index is being brought up to date. */
  private readonly syncs = new Map<string, Promise<void>>();
  private readonly probes = new Map<string, Probe>();
  private readonly stopping = new AbortController();

  constructor(private readonly deps: MemoryDeps) {
    const { store, sessions, clock, limits } = deps;
    this.repository = new MemoryRepository(store, limits);
    const transcripts = new MemoryTranscripts(sessions, limits);
    this.indexer = new Indexer({ repository: this.repository, transcripts, clock, limits });
  }

  /** What the configuration says of an agent's memory. */
  settings(agent: AgentSettings): MemorySettings {
    const { current } = this.deps.config;
    const slot = text(dict(dict(current.plugins).slots).memory);
    const isInUse = (slot === undefined || slot === PART) && pluginSwitch(current, PART).isOn;
    return memorySettings(current, agent, isInUse);
  }

  /** @throws MemoryUnavailable when the provider that the configuration names cannot be asked */
  async search(agent: AgentSettings, search: MemorySearch): Promise<MemoryFindings> {
    const { clock, limits } = this.deps;
    const settings = this.settings(agent);
    if (!settings.enabled) throw new MemoryUnavailable("Memory search is switched off.");
    const sources = [...settings.sources].filter((source) => search.sources?.includes(source) ?? true);
    const area: SearchArea = { agentId: agent.id, sources };
    const query = search.query.trim().slice(0, limits.memoryQueryChars);
    const words = queryWords(query, limits.searchWords);
    const { target, degraded } = await this.target(agent, settings);
    const isStale = !(await this.within(this.sync(agent, settings, target), search.signal));
    const vector = target && (await this.queryVector(agent.id, target, settings, query, search.signal));
    if (vector instanceof EmbeddingFailed) {
      const failed = { provider: target!.provider, reason: vector.message };
      if (settings.isProviderNamed) throw new MemoryUnavailable(vector.message);
      const results = await this.find(area, words, undefined, search, settings);
      return { results, provider: "none", mode: "fts-only", degraded: failed, isStale };
    }
    const near = vector && target ? { vector, model: modelKey(target, settings) } : undefined;
    const results = await this.find(area, words, near, search, settings);
    if (!near || !target) {
      return { results, provider: "none", mode: "fts-only", ...(degraded ? { degraded } : {}), isStale };
    }
    this.probes.set(agent.id, { ok: true, checkedAtMs: clock.now(), of: askedOf(settings) });
    return { results, provider: target.provider, model: target.model, mode: "hybrid", isStale };
  }

  /** Lines of a memory file. Nothing else can be read. */
  read(agent: AgentSettings, wish: ExcerptWish): Promise<Excerpt> {
    const { extraPaths } = this.settings(agent);
    return readMemory(agent.workspace, extraPaths, wish, this.deps.limits.memoryFileBytes);
  }

  /**
   * Whether vectors can be had. `ask` asks the provider unless it was asked a moment ago.
   * @returns `checked: false` where nobody has asked yet
   */
  async readiness(agent: AgentSettings, ask: boolean): Promise<Readiness> {
    const { clock, limits } = this.deps;
    const settings = this.settings(agent);
    const known = this.probes.get(agent.id);
    const of = askedOf(settings);
    if (known?.of === of && known.checkedAtMs + limits.embeddingProbeTtlMs > clock.now())
      return { settings, probe: known };
    if (!ask) return { settings };
    const { target, degraded } = await this.target(agent, settings).catch((error: unknown) => {
      if (!(error instanceof MemoryUnavailable)) throw error;
      return { target: undefined, degraded: { provider: settings.provider, reason: error.message } };
    });
    if (!target && settings.provider !== "none") return { settings, missing: degraded?.reason };
    const vector = target && (await this.queryVector(agent.id, target, settings, "ping", this.stopping.signal));
    const failure = target === undefined ? "No embedding provider available (FTS-only mode)" : undefined;
    const error = vector instanceof EmbeddingFailed ? vector.message : failure;
    const probe = { ok: error === undefined, ...(error === undefined ? {} : { error }), checkedAtMs: clock.now(), of };
    this.probes.set(agent.id, probe);
    return { settings, fresh: probe };
  }

  /** Waits until nothing is being indexed. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.syncs.values()]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.idle();
  }

  /** Whom to ask for vectors. @throws MemoryUnavailable when the configuration names somebody who cannot be asked */
  private async target(
    agent: AgentSettings,
    settings: MemorySettings,
  ): Promise<{ target?: EmbeddingTarget; degraded?: MemoryFindings["degraded"] }> {
    const { models, config } = this.deps;
    if (settings.provider === "none") return {};
    try {
      const env = environment(config.env ?? process.env, models.settings.env);
      return { target: await embeddingTarget({ models, env }, settings, agent.id) };
    } catch (error) {
      if (!(error instanceof NoEmbeddings)) throw error;
      if (settings.isProviderNamed) throw new MemoryUnavailable(error.message);
      return { degraded: { provider: settings.provider, reason: error.message } };
    }
  }

  private async queryVector(
    agentId: string,
    target: EmbeddingTarget,
    { queryInputType, dimensions }: MemorySettings,
    query: string,
    signal: AbortSignal,
  ): Promise<Float32Array | EmbeddingFailed> {
    const wish = { kind: "query", inputType: queryInputType, dimensions, signal } as const;
    try {
      return (await embed(target, [query], wish, this.deps.limits))[0]!;
    } catch (error) {
      if (!(error instanceof EmbeddingFailed)) throw error;
      this.deps.log.warn("memory could not be searched by meaning", { agentId, error: error.message });
      return error;
    }
  }

  private async find(
    area: SearchArea,
    words: readonly string[],
    near: { vector: Float32Array; model: string } | undefined,
    { maxResults, minScore }: MemorySearch,
    settings: MemorySettings,
  ): Promise<RankedChunk[]> {
    const { clock, limits } = this.deps;
    const found = new Map<number, Candidate>();
    for (const chunk of await this.byWords(area, words)) found.set(chunk.id, chunk);
    if (near) {
      const nearest = await this.nearest(area, near);
      const unseen = await this.repository.byIds([...nearest.keys()].filter((id) => !found.has(id)));
      for (const chunk of unseen) found.set(chunk.id, chunk);
      for (const [id, nearness] of nearest) found.set(id, { ...found.get(id)!, nearness });
    }
    const order = ranked([...found.values()], words, { isHybrid: near !== undefined, now: clock.now() });
    return goodEnough(order, minScore ?? settings.minScore, Math.max(1, maxResults ?? settings.maxResults));
  }

  private async byWords(area: SearchArea, words: readonly string[]): Promise<Candidate[]> {
    if (words.length === 0) return [];
    const { memoryCandidates } = this.deps.limits;
    const spaced = words.filter(isSpaced);
    const found: Candidate[] = spaced.length > 0 ? await this.repository.byWords(area, spaced, memoryCandidates) : [];
    for (const word of words.filter((each) => !isSpaced(each))) {
      found.push(...(await this.repository.byPart(area, word, memoryCandidates)));
    }
    for (const word of words) found.push(...(await this.repository.byPath(area, word, FILES_BY_NAME)));
    const known = new Map<number, Candidate>();
    for (const chunk of found) if (!known.has(chunk.id)) known.set(chunk.id, chunk);
    return [...known.values()];
  }

  /** The pieces nearest in meaning, by id. Compared in pages, so that other work gets its turn in between. */
  private async nearest(
    area: SearchArea,
    { vector, model }: { vector: Float32Array; model: string },
  ): Promise<Map<number, number>> {
    const { memoryVectorPage, memoryCandidates } = this.deps.limits;
    let best: [id: number, nearness: number][] = [];
    for (let after = 0; ; ) {
      const page = await this.repository.vectors(area, model, after, memoryVectorPage);
      for (const { id, vector: bytes } of page) {
        const nearness = product(vector, bytes);
        if (nearness > 0) best.push([id, nearness]);
      }
      best = best.sort((a, b) => b[1] - a[1]).slice(0, memoryCandidates);
      if (page.length < memoryVectorPage) return new Map(best);
      after = page.at(-1)!.id;
      await Bun.sleep(0);
    }
  }

  /** Brings an agent's index up to date, once at a time. */
  private sync(agent: IndexedAgent, settings: MemorySettings, target: EmbeddingTarget | undefined): Promise<void> {
    const running = this.syncs.get(agent.id);
    if (running) return running;
    const { signal } = this.stopping;
    const sync = this.indexer
      .sync(agent, settings, signal)
      .then(() => (target ? this.embedMissing(agent.id, settings, target, signal) : undefined));
    this.syncs.set(agent.id, sync);
    sync
      .catch((error: unknown) => {
        if (!signal.aborted) this.deps.log.warn("memory could not be indexed", { agentId: agent.id, error });
      })
      .finally(() => this.syncs.delete(agent.id));
    return sync;
  }

  private async embedMissing(
    agentId: string,
    settings: MemorySettings,
    target: EmbeddingTarget,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, limits } = this.deps;
    const model = modelKey(target, settings);
    const area = { agentId, sources: [...settings.sources] };
    const wish = {
      ...({ kind: "document", inputType: settings.documentInputType } as const),
      ...{ dimensions: settings.dimensions, signal },
    };
    for (;;) {
      const texts = await this.repository.withoutVector(area, model, limits.embeddingBatch);
      if (texts.length === 0) return;
      const vectors = await embed(
        target,
        texts.map((each) => each.text),
        wish,
        limits,
      );
      const kept = texts.map(({ hash }, at) => ({ hash, vector: vectors[at] as Float32Array<ArrayBuffer> }));
      await this.repository.keepVectors(model, kept, clock.now());
    }
  }

  /** Waits for the index as long as a search may. @returns false when it went on longer or failed */
  private async within(whole: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(false), this.deps.limits.memorySyncWaitMs);
    const onAbort = () => late.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([
        whole.then(
          () => true,
          () => false,
        ),
        late.promise,
      ]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** What is known about vectors: of a moment ago, just asked, not to be had at all, or nothing. */
export interface Readiness {
  settings: MemorySettings;
  probe?: Probe;
  fresh?: Probe;
  missing?: string;
}

/** The part of the gateway by whose switch memory is in use. */
const PART = "memory-core";
/** Pieces of files whose name holds a word of the query. */
const FILES_BY_NAME = 20;

const askedOf = ({ provider, model, remote }: MemorySettings): string =>
  JSON.stringify([provider, model, remote.baseUrl]);

/** What makes vectors comparable: who made them, and how. */
function modelKey({ provider, baseUrl, model }: EmbeddingTarget, settings: MemorySettings): string {
  const { documentInputType, dimensions } = settings;
  const facts = JSON.stringify([provider, baseUrl, model, documentInputType ?? null, dimensions ?? null]);
  return createHash("sha256").update(facts).digest("hex").slice(0, 32);
}

function product(a: Float32Array, bytes: Uint8Array<ArrayBuffer>): number {
  if (bytes.byteLength !== a.byteLength) return 0;
  const isAligned = bytes.byteOffset % 4 === 0;
  const b = isAligned
    ? new Float32Array(bytes.buffer, bytes.byteOffset, a.length)
    : new Float32Array(bytes.slice().buffer);
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}
