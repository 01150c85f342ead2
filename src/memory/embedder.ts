import { redact } from "../models/failure.ts";
import { openTransport, TransportError } from "../models/transport.ts";
import type { EmbeddingTarget } from "./embedding-providers.ts";

export interface EmbedderLimits {
  embeddingTimeoutMs: number;
  embeddingDimensions: number;
}

export interface EmbeddingWish {
  kind: "query" | "document";
  inputType?: string;
  dimensions?: number;
  signal: AbortSignal;
}

/** The provider gave no vectors. Its message names what went wrong without any secret. */
export class EmbeddingFailed extends Error {}

/**
 * Asks for the vectors of texts, in their order, each of length 1 so that two of them are compared by their product.
 * @throws EmbeddingFailed
 */
export async function embed(
  target: EmbeddingTarget,
  texts: readonly string[],
  { kind, inputType, dimensions, signal }: EmbeddingWish,
  limits: EmbedderLimits,
): Promise<Float32Array[]> {
  const { url, body, headers } = requestOf(target, texts, { kind, inputType, dimensions });
  const transport = openTransport({
    signal,
    request: target.request,
    responseTimeoutMs: limits.embeddingTimeoutMs,
    idleTimeoutMs: limits.embeddingTimeoutMs,
  });
  try {
    const response = await transport.fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers, ...target.headers },
      body: JSON.stringify(body),
    });
    const answered = await response.text();
    if (!response.ok) throw new EmbeddingFailed(`HTTP ${response.status}: ${answered.slice(0, 200)}`);
    return vectorsOf(JSON.parse(answered), texts.length, limits.embeddingDimensions);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new EmbeddingFailed(told(error, target));
  } finally {
    transport.close();
  }
}

function requestOf(
  { dialect, model, key, baseUrl }: EmbeddingTarget,
  texts: readonly string[],
  { kind, inputType, dimensions }: Pick<EmbeddingWish, "kind" | "inputType" | "dimensions">,
): { url: string; body: object; headers: Record<string, string> } {
  const bearer: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  switch (dialect) {
    case "gemini": {
      const name = model.startsWith("models/") ? model : `models/${model}`;
      const taskType = kind === "query" ? "RETRIEVAL_QUERY" : "RETRIEVAL_DOCUMENT";
      const requests = texts.map((text) => ({
        model: name,
        content: { parts: [{ text }] },
        taskType,
        ...(dimensions ? { outputDimensionality: dimensions } : {}),
      }));
      return {
        url: `${baseUrl}/${name}:batchEmbedContents`,
        body: { requests },
        headers: key === null ? {} : { "x-goog-api-key": key },
      };
    }
    case "ollama": {
      return {
        url: `${baseUrl.replace(/\/v1$/, "")}/api/embed`,
        body: { model, input: texts, ...(dimensions ? { dimensions } : {}) },
        headers: bearer,
      };
    }
    default: {
      const more = { ...(inputType ? { input_type: inputType } : {}), ...(dimensions ? { dimensions } : {}) };
      return { url: `${baseUrl}/embeddings`, body: { model, input: texts, ...more }, headers: bearer };
    }
  }
}

/** The vectors of an answer of any of the three forms. @throws EmbeddingFailed when they are not what was asked for */
function vectorsOf(answer: unknown, count: number, most: number): Float32Array[] {
  const { data, embeddings } = (answer ?? {}) as { data?: unknown; embeddings?: unknown };
  const rows: unknown[] = Array.isArray(data) ? inOrder(data) : Array.isArray(embeddings) ? embeddings : [];
  const vectors = rows.map((row) => {
    const { embedding, values } = (row ?? {}) as { embedding?: unknown; values?: unknown };
    return unit(Array.isArray(row) ? row : (embedding ?? values), most);
  });
  if (vectors.length !== count) throw new EmbeddingFailed(`${vectors.length} vectors for ${count} texts`);
  if (vectors.some(({ length }) => length !== vectors[0]!.length))
    throw new EmbeddingFailed("vectors of several sizes");
  return vectors;
}

const inOrder = (rows: { index?: unknown }[]): unknown[] =>
  rows.every((row) => typeof row?.index === "number")
    ? rows.toSorted((a, b) => (a.index as number) - (b.index as number))
    : rows;

function unit(numbers: unknown, most: number): Float32Array {
  if (!Array.isArray(numbers) || numbers.length === 0 || numbers.length > most) {
    throw new EmbeddingFailed("the answer holds no vectors");
  }
  const vector = Float32Array.from(numbers as number[]);
  const length = Math.sqrt(vector.reduce((sum, each) => sum + each * each, 0));
  if (!Number.isFinite(length)) throw new EmbeddingFailed("the answer holds no vectors");
  return length === 0 ? vector : vector.map((each) => each / length);
}

function told(error: unknown, { provider, secrets }: EmbeddingTarget): string {
  const isKnown = error instanceof EmbeddingFailed || error instanceof TransportError;
  const words = isKnown ? error.message : "could not be reached, or did not answer in JSON";
  return `embeddings of ${provider}: ${redact(words, secrets).replace(/\s+/g, " ")}`;
}
