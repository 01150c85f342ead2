import type { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { ModelEntry } from "./catalogue.ts";
import { openAnthropic } from "./dialects/anthropic.ts";
import { openGoogle } from "./dialects/google.ts";
import { openOllama } from "./dialects/ollama.ts";
import { openOpenAICompletions } from "./dialects/openai-completions.ts";
import { openOpenAIResponses } from "./dialects/openai-responses.ts";
import type { Transport } from "./transport.ts";

/** A model of the provider library, and what its calls take. */
type LibraryModel = ReturnType<ReturnType<typeof createOpenAICompatible>["chatModel"]>;
export type LanguageModel = Pick<LibraryModel, "doStream">;
export type LanguageCall = Parameters<LibraryModel["doStream"]>[0];
export type StreamPart =
  Awaited<ReturnType<LibraryModel["doStream"]>>["stream"] extends ReadableStream<infer Part> ? Part : never;

/** What one call sends along: where to, with which key and headers. */
export interface Route {
  baseUrl: string;
  key: string | null;
  /** Sends the key as `Authorization: Bearer` also where the API has a header of its own for it. */
  bearer: boolean;
  headers: Record<string, string>;
  /** Merged into the request's body, over what we put there. */
  extraBody?: Record<string, unknown>;
  /** Settings of the configuration that only some APIs know: `params` of the provider, the model and the preference. */
  params?: Record<string, unknown>;
}

/** Makes a model that can be called. `send` is the `fetch` of the call under way. */
export type OpenDialect = (
  entry: ModelEntry,
  route: Route,
  send: typeof fetch,
) => LanguageModel | Promise<LanguageModel>;

/** The wire formats that can be spoken, by upstream's names. */
const OPEN: Readonly<Record<string, OpenDialect>> = {
  "openai-completions": openOpenAICompletions,
  "openai-responses": openOpenAIResponses,
  "anthropic-messages": openAnthropic,
  "google-generative-ai": openGoogle,
  ollama: openOllama,
};

export const DIALECTS: ReadonlySet<string> = new Set(Object.keys(OPEN));

/**
 * Loads the library for a wire format and returns the model it offers. The library is not part of the start: it is
 * read from the executable at the first call.
 */
export async function openModel(entry: ModelEntry, route: Route, transport: Transport): Promise<LanguageModel> {
  // The library prints notes about settings it adapts on stderr unless told otherwise.
  (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
  transports.set(transport.signal, transport);
  const key = JSON.stringify(route);
  const known = made.get(entry);
  if (known?.key === key) return known.model;
  const model = await OPEN[entry.api]!(entry, route, send);
  made.set(entry, { key, model });
  return model;
}

/** The library makes schemas with every model, which costs more than what else a call does before it is sent. */
const made = new WeakMap<ModelEntry, { key: string; model: LanguageModel }>();

/** Of the calls under way, by the signal that the library passes on to `fetch`. */
const transports = new WeakMap<AbortSignal, Transport>();

const send = ((input, init) => transports.get(init!.signal!)!.fetch(input, init)) as typeof fetch;
