/** What health and status ask of the agents. */
export interface AgentRoster {
  /** All configured agents, the default one included. */
  list(): readonly { id: string; name?: string; isDefault: boolean }[];
}

/** What health and status ask of the sessions. */
export interface SessionStats {
  /** How many sessions the agent has, and its `limit` most recently used ones, newest first. */
  stats(
    agentId: string,
    limit: number,
  ): Promise<{ count: number; recent: { key: string; updatedAt: number | null }[] }>;
}

/** What status asks of the models: the default model's name and how many tokens it takes, null when none is set up. */
export interface DefaultModel {
  defaultModel(): { id: string; contextWindow: number } | null;
}

/** What status asks of the runs: how many are at work. */
export interface ActiveWork {
  readonly atWork: number;
}

/** What health asks of the messages that go out: how many were given up, and since when; null when none was. */
export interface GivenUpDeliveries {
  givenUp(): Promise<{ count: number; oldestFailedAt: number } | null>;
}
