import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Models } from "../../models/models.ts";
import { ModelError, type ResolvedModel } from "../../models/types.ts";
import type { Logger } from "../../platform/logger.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { answer } from "../runs/answer.ts";

export interface UtilityDeps {
  models: Models;
  agents: AgentCatalogue;
  defender: DefenderPort;
  config: ConfigPort;
  log: Logger;
}

/** What an agent's small model is asked. */
export interface UtilityRequest {
  system: string;
  text: string;
  /** Milliseconds. */
  timeoutMs: number;
}

/**
 * The small model of an agent for what is no conversation, such as a title: `utilityModel` of the agent or of all agents.
 * Without one nothing is asked; the model of the conversations never takes its place (docs: sessions.title.prepare).
 */
export class UtilityModel {
  constructor(private readonly deps: UtilityDeps) {}

  /** Null when none is set up, or when there is no such model. */
  async of(agentId: string): Promise<ResolvedModel | null> {
    const { agents, config, models } = this.deps;
    const own = agents.find(agentId)?.raw.utilityModel;
    const named = typeof own === "string" && own.trim() !== "" ? own : config.current.agents?.defaults?.utilityModel;
    return named ? models.resolve(named) : null;
  }

  /** The model's answer, trimmed; null when it gave none in time. */
  async ask(model: ResolvedModel, { system, text, timeoutMs }: UtilityRequest): Promise<string | null> {
    const { defender, log } = this.deps;
    try {
      const { text: said } = await answer(
        this.deps,
        {
          candidates: [model],
          system,
          messages: [{ role: "user", content: text }],
          signal: AbortSignal.timeout(timeoutMs),
          mask: () => defender.stream(),
          onCall: () => {},
          onText: () => {},
          onFallback: () => {},
        },
        { left: 2 },
      );
      return said.trim() || null;
    } catch (error) {
      if (!(error instanceof ModelError) && !(error instanceof DOMException)) throw error;
      log.warn("the utility model gave no answer", { error });
      return null;
    }
  }
}
