import type { ConfigPort } from "../config/types.ts";
import { listModels } from "../models/list.ts";
import type { Models } from "../models/models.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Logger } from "../platform/logger.ts";
import type { AgentCatalogue } from "./catalogue.ts";

interface MetadataWatchDeps {
  config: ConfigPort;
  models: Models;
  agents: AgentCatalogue;
  bus: EventBus;
  log: Logger;
}

/**
 * Tells clients that `chat.metadata` would say something else now: `chat.metadata.changed` with nothing in it. What can
 * change that is the configuration, its secrets included, and local model servers that come and go. The commands are
 * the same as long as the process lives.
 */
export class ChatMetadataWatch {
  private shown: number | bigint | null = null;
  private checking: Promise<void> = Promise.resolve();

  constructor(private readonly deps: MetadataWatchDeps) {}

  /** Remembers what is shown now and looks again after each change. */
  async start(): Promise<void> {
    const { config, models } = this.deps;
    this.shown = await this.digest();
    config.onChange(() => void this.check());
    models.onLocalServers(() => void this.check());
  }

  /** Resolves when clients have been told, or need not be. */
  check(): Promise<void> {
    this.checking = this.checking
      .then(async () => {
        const shown = await this.digest();
        if (shown === this.shown) return;
        this.shown = shown;
        this.deps.bus.publish("chat.metadata.changed", {});
      })
      .catch((error) => this.deps.log.warn("it is unknown whether models have changed", { error }));
    return this.checking;
  }

  /** A digest of all that the answers are made from; only who is which agent's model differs between agents. */
  private async digest(): Promise<number | bigint> {
    const { models, agents } = this.deps;
    const { roster } = agents;
    const { models: rows } = await listModels(models, agents, { agentId: roster.defaultId, preparedOnly: true });
    const choices = roster.agents.map(({ id, thinkingDefault }) => [id, agents.choice(id), thinkingDefault]);
    return Bun.hash(JSON.stringify([rows, choices]));
  }
}
