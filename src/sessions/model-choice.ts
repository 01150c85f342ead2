import { refOf } from "../models/references.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { SessionEntry } from "./entry.ts";
import type { Sessions } from "./sessions.ts";

/** Sets or clears the model that a person chose: `provider/model`, or null for the agent's own. */
export function applyModelOverride(entry: SessionEntry, ref: string | null): void {
  if (ref === null) {
    delete entry.providerOverride;
    delete entry.modelOverride;
    delete entry.modelOverrideRouteResolution;
    entry.modelOverrideSource = "default";
    return;
  }
  const slash = ref.indexOf("/");
  entry.providerOverride = ref.slice(0, slash);
  entry.modelOverride = ref.slice(slash + 1);
  entry.modelOverrideSource = "user";
  entry.modelOverrideRouteResolution = "resolved";
}

/**
 * The reference `provider/model` that a person's words mean.
 * @throws GatewayError when no provider or model of that name is known
 */
export function chosenModel(sessions: Pick<Sessions, "models" | "agents">, wanted: string, agentId: string): string {
  const words = wanted.trim();
  if (words === "") throw invalidRequest("invalid model: empty");
  const { models, agents } = sessions;
  const found = models.find(words);
  if (found) return refOf(found);
  const provider = words.includes("/") ? words.slice(0, words.indexOf("/")).toLowerCase() : undefined;
  if (provider !== undefined && !models.providers().has(provider)) {
    throw invalidRequest(`Unknown provider "${provider}". Use /models to list providers.`);
  }
  const own = agents.model(agentId);
  const name = provider === undefined && own ? `${own.provider}/${words}` : words;
  throw invalidRequest(`Unknown model "${name}". Use /models to list models.`);
}
