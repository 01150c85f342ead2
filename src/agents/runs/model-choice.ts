import type { Models } from "../../models/models.ts";
import { refOf } from "../../models/references.ts";
import { levelChoice } from "../../models/thinking.ts";
import type { ResolvedModel } from "../../models/types.ts";
import type { SessionState } from "../../sessions/types.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import type { RunSettings } from "./types.ts";

/** The models a run may use. */
export interface ModelChoice {
  /** In order of preference; empty when there is none. */
  candidates: ResolvedModel[];
  /** The reference that was wanted and means no model, when that is why there is none. */
  missing?: string;
}

/**
 * Which models a run asks, in upstream's order (docs: concepts/models): what the run or the session names, and then
 * that alone; else the agent's model with its fallbacks. A run that names fallbacks has those instead.
 */
export async function chooseModels(
  models: Models,
  agents: AgentCatalogue,
  session: SessionState,
  settings: RunSettings,
): Promise<ModelChoice> {
  const named = settings.model ?? session.modelOverride;
  const choice = agents.choice(session.agentId);
  const primary = named ?? choice.primary;
  const fallbacks = settings.fallbacks ?? (named ? [] : choice.fallbacks);
  if (named && !(await models.resolve(named))) return { candidates: [], missing: named };
  const found = await Promise.all([models.resolve(primary), ...fallbacks.map((ref) => models.resolve(ref))]);
  const byRef = new Map(found.flatMap((model) => (model ? [[refOf(model), model] as const] : [])));
  return { candidates: [...byRef.values()], ...(byRef.size === 0 && primary ? { missing: primary } : {}) };
}

/** The thinking level a run asks for, or why it cannot have the one it wants. */
export function chooseThinking(
  models: Models,
  agents: AgentCatalogue,
  session: SessionState,
  settings: RunSettings,
  model: ResolvedModel,
): { level: string } | { problem: string } {
  const ref = refOf(model);
  const entry = models.find(ref);
  const facts = models.thinking(entry, agents.find(session.agentId)?.thinkingDefault);
  const wanted = settings.thinking ?? session.thinkingLevel ?? facts.thinkingDefault;
  const level = levelChoice(wanted, entry);
  if (level.exact || !settings.strictThinking || settings.thinking === undefined) return { level: level.id };
  const options = facts.thinkingOptions.join(", ");
  return level.known
    ? { problem: `Thinking level "${wanted}" is not supported for ${ref}. Use one of: ${options}.` }
    : { problem: `Invalid thinking level. Use one of: ${options}.` };
}

/** The state of a session that nobody has used yet. */
export const unusedSession = (key: string, agentId: string): SessionState => ({
  key,
  sessionId: "",
  agentId,
  modelOverride: null,
  thinkingLevel: null,
  sendPolicy: null,
  archived: false,
  goal: null,
  spawnDepth: 0,
});
