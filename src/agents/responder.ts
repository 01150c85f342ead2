import type { ModelSetup } from "../models/types.ts";

/** Keys and references that are shown by name; the others are one line together. */
const SHOWN = 6;

/** What is known when no model can answer. */
export interface NoModelFacts {
  setup: ModelSetup;
  /** References of models that could be used. */
  refs: readonly string[];
  /** The reference that is configured or chosen and means no model. */
  missing?: string;
}

/** What is answered in place of a model when there is none: that there is none, and what to do about it. */
export function noModelText({ setup, refs, missing }: NoModelFacts): string {
  const lines = [
    missing ? `The model "${missing}" is not available, so nothing can answer.` : "No model is set up yet.",
    "What helps:",
  ];
  if (refs.length > 0) lines.push(`- Choose a model that is there with /model <provider/model>: ${some(refs)}.`);
  for (const { name, baseUrl, models } of setup.localServers) {
    if (models.length === 0) lines.push(`- ${name} runs at ${baseUrl} but offers no model yet; load one there.`);
  }
  const variables = setup.environment.filter(({ present }) => !present).map(({ variable }) => variable);
  lines.push(`- Set a provider's key in the gateway's environment and start it again: ${some(variables)}.`);
  lines.push("- Name any server with an OpenAI-compatible or Anthropic API in openclaw.json: models.providers.");
  if (setup.localServers.length === 0) {
    lines.push("- Start a model server on this machine (Ollama, LM Studio, llama.cpp); it is found by itself.");
  }
  lines.push("", "/status, /help and /models work without a model.");
  return lines.join("\n");
}

function some(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (more > 0 ? ` or ${more} others` : "");
}
