import type { LanguageCall, StreamPart } from "./dialect.ts";

type Metadata = Extract<StreamPart, { type: "reasoning-end" }>["providerMetadata"];
type Options = LanguageCall["providerOptions"];

/**
 * The mark by which a provider knows a thought again, as the transcript keeps it: Anthropic's signature, or id and
 * sealed content of OpenAI's reasoning item as JSON. Undefined where there is none.
 */
export function signatureOf(metadata: Metadata): string | undefined {
  const signature = metadata?.anthropic?.signature;
  if (typeof signature === "string") return signature;
  const { itemId: id, reasoningEncryptedContent: content } = metadata?.openai ?? {};
  return typeof content === "string" ? JSON.stringify({ id, content }) : undefined;
}

/** What the library is told of a thought that goes back; undefined for a thought that its provider would refuse. */
export function readSignature(api: string, signature: string | undefined): Options {
  if (!signature) return undefined;
  if (api === "anthropic-messages") return { anthropic: { signature } };
  if (api !== "openai-responses") return undefined;
  try {
    const { id, content } = JSON.parse(signature) as { id?: unknown; content?: unknown };
    if (typeof content !== "string") return undefined;
    return { openai: { ...(typeof id === "string" ? { itemId: id } : {}), reasoningEncryptedContent: content } };
  } catch {
    return undefined;
  }
}

/** Gemini's mark of the thought behind a call. */
export function callSignatureOf(metadata: Metadata): string | undefined {
  const mark = metadata?.google?.thoughtSignature;
  return typeof mark === "string" ? mark : undefined;
}
