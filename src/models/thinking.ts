import type { ModelEntry } from "./catalogue.ts";
import type { ModelSettings } from "./settings.ts";

/** A thinking level as clients show it. */
export interface ThinkingLevel {
  id: string;
  label: string;
}

/** What clients show of thinking for one model. */
export interface ThinkingFacts {
  thinkingLevels: ThinkingLevel[];
  /** The ids of `thinkingLevels`. */
  thinkingOptions: string[];
  thinkingDefault: string;
}

const BASIC = ["off", "minimal", "low", "medium", "high"] as const;
const EXTRA = ["xhigh", "max"] as const;
const RANK: readonly string[] = [...BASIC, ...EXTRA];

/** Other words that people may use for a level (docs: tools/thinking). */
const SYNONYMS: Readonly<Record<string, string>> = {
  "x-high": "xhigh",
  x_high: "xhigh",
  "extra-high": "xhigh",
  "extra high": "xhigh",
  extra_high: "xhigh",
  highest: "high",
  adaptive: "medium",
  ultra: "max",
  on: "medium",
  disabled: "off",
};

/** The levels a model has: `off` alone without reasoning, five with it, more where the endpoint declares them. */
export function thinkingLevels(model: Pick<ModelEntry, "reasoning" | "compat"> | null): ThinkingLevel[] {
  const declared = model?.compat.supportedReasoningEfforts ?? [];
  const ids = model?.reasoning ? [...BASIC, ...EXTRA.filter((level) => declared.includes(level))] : ["off"];
  return ids.map((id) => ({ id, label: id }));
}

/** A level that somebody named, as a model has it. */
export interface LevelChoice {
  /** The level that is used: the named one, else the nearest lower one. */
  id: string;
  /** True when the model has the named level itself. */
  exact: boolean;
  /** True when the word names a level of any model. */
  known: boolean;
}

/** The level as a model has it: synonyms resolved, the nearest lower level where it has not that one. */
export function levelChoice(wanted: string, model: Pick<ModelEntry, "reasoning" | "compat"> | null): LevelChoice {
  const options = thinkingLevels(model).map(({ id }) => id);
  const name = wanted.trim().toLowerCase();
  const level = SYNONYMS[name] ?? name;
  const rank = RANK.indexOf(level);
  if (options.includes(level)) return { id: level, exact: true, known: true };
  return {
    id: options.findLast((id) => RANK.indexOf(id) <= rank) ?? "off",
    exact: false,
    known: rank >= 0,
  };
}

/** {@link levelChoice} for those who only want the level. */
export const nearestLevel = (wanted: string, model: Pick<ModelEntry, "reasoning" | "compat"> | null): string =>
  levelChoice(wanted, model).id;

/**
 * Levels and default of a model. Upstream's order for the default (docs: tools/thinking): the agent's own, the
 * model's `params.thinking`, `agents.defaults.thinkingDefault`, else `medium` for a model that reasons.
 */
export function thinkingFacts(
  model: Pick<ModelEntry, "reasoning" | "compat" | "provider" | "id"> | null,
  settings: ModelSettings,
  agentDefault?: string,
): ThinkingFacts {
  const levels = thinkingLevels(model);
  const own = model ? settings.preferences.get(`${model.provider}/${model.id}`)?.thinking : undefined;
  const wanted = agentDefault ?? own ?? settings.thinkingDefault ?? "medium";
  return {
    thinkingLevels: levels,
    thinkingOptions: levels.map(({ id }) => id),
    thinkingDefault: nearestLevel(wanted, model),
  };
}
