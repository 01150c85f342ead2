import { isAbsolute, resolve } from "node:path";
import { dict, type SecretInput, text } from "../models/settings.ts";

/** A folder or file beside the workspace whose Markdown is remembered, too. */
export interface ExtraPath {
  /** Absolute. */
  path: string;
  /** A glob beneath the folder. */
  pattern?: string;
}

/** What the configuration says of an agent's memory. */
export interface MemorySettings {
  enabled: boolean;
  /** What is searched: memory files, and what was said in the agent's sessions. */
  sources: ReadonlySet<"memory" | "sessions">;
  extraPaths: readonly ExtraPath[];
  /** Id of the embedding provider; `none` for words alone. */
  provider: string;
  /** Whether the configuration names it. Then it must work: a search never silently goes without it. */
  isProviderNamed: boolean;
  model?: string;
  remote: { baseUrl?: string; apiKey?: SecretInput; headers: Record<string, SecretInput> };
  /** `input_type` of what is asked for and of what is indexed, for models that tell them apart. */
  queryInputType?: string;
  documentInputType?: string;
  dimensions?: number;
  maxResults: number;
  minScore: number;
  citations: "auto" | "on" | "off";
}

/** Upstream's defaults (docs: reference/memory-config). */
const MAX_RESULTS = 6;
const MIN_SCORE = 0.35;
const DEFAULT_PROVIDER = "openai";

type Raw = Record<string, unknown>;

/** The settings of one agent: its own `memory.search` over that of all. Wrong values count as absent. */
export function memorySettings(
  config: object,
  agent: { raw: object; workspace: string },
  isInUse: boolean,
): MemorySettings {
  const memory = dict((config as Raw).memory);
  const all = dict(memory.search);
  const own = dict(dict((agent.raw as Raw).memory).search);
  const search = merged(all, own);
  const query = dict(search.query);
  const named = text(search.provider)?.toLowerCase();
  const isProviderNamed = named !== undefined && named !== "auto" && named !== "local" && named !== "none";
  const remote = dict(search.remote);
  const inputType = text(search.inputType);
  return {
    enabled: isInUse && search.enabled !== false,
    sources: sourcesOf(search),
    extraPaths: [...extraPaths(all.extraPaths, agent.workspace), ...extraPaths(own.extraPaths, agent.workspace)],
    provider: named === undefined || named === "auto" ? DEFAULT_PROVIDER : named,
    isProviderNamed,
    model: text(search.model),
    remote: {
      baseUrl: text(remote.baseUrl),
      apiKey: remote.apiKey as SecretInput | undefined,
      headers: dict(remote.headers) as Record<string, SecretInput>,
    },
    queryInputType: text(search.queryInputType) ?? inputType,
    documentInputType: text(search.documentInputType) ?? inputType,
    dimensions: positive(search.outputDimensionality),
    maxResults: positive(query.maxResults) ?? MAX_RESULTS,
    minScore: typeof query.minScore === "number" ? query.minScore : MIN_SCORE,
    citations: memory.citations === "on" || memory.citations === "off" ? memory.citations : "auto",
  };
}

/** The own value of each key, of maps the own value of each of theirs. */
function merged(all: Raw, own: Raw): Raw {
  const maps = ["query", "remote", "experimental"].map(
    (key) => [key, { ...dict(all[key]), ...dict(own[key]) }] as const,
  );
  return { ...all, ...own, ...Object.fromEntries(maps) };
}

/** Sessions are searched when they are listed and the experiment is on (docs: concepts/memory-search, session memory). */
function sourcesOf(search: Raw): Set<"memory" | "sessions"> {
  const listed = Array.isArray(search.sources) ? search.sources : ["memory"];
  const isOn = search.rememberAcrossConversations === true || dict(search.experimental).sessionMemory === true;
  const named = new Set<"memory" | "sessions">();
  if (listed.includes("memory")) named.add("memory");
  if (isOn && (listed.includes("sessions") || search.rememberAcrossConversations === true)) named.add("sessions");
  return named;
}

function extraPaths(value: unknown, workspace: string): ExtraPath[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const path = text(typeof entry === "string" ? entry : dict(entry).path);
    if (path === undefined) return [];
    const pattern = text(dict(entry).pattern);
    return [{ path: isAbsolute(path) ? path : resolve(workspace, path), ...(pattern ? { pattern } : {}) }];
  });
}

const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
