import { testSessions } from "../sessions/testing.ts";
import type { TranscriptMessage } from "../sessions/types.ts";
import { UsageReports } from "./usage-reports.ts";
import { UsageRepository } from "./usage-repository.ts";

/** Reports over sessions of their own, and what is said in them. */
export function testUsage(config: object = {}) {
  const made = testSessions({ config });
  const { sessions, store, clock } = made;
  const repository = new UsageRepository(store);
  return { ...made, reports: new UsageReports({ repository, sessions, models: sessions.models, clock }) };
}

export const asked = (timestamp: number, content = "question"): TranscriptMessage => ({
  role: "user",
  content,
  timestamp,
});

/** An answer of ten tokens in, five out, which cost three dollars. */
export function answered(timestamp: number, more: Partial<TranscriptMessage> = {}): TranscriptMessage {
  return {
    role: "assistant",
    content: [{ type: "text", text: "answer" }],
    timestamp,
    provider: "mock",
    model: "mock-1",
    usage: {
      input: 10,
      output: 5,
      totalTokens: 15,
      cacheRead: 0,
      cacheWrite: 0,
      cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, total: 3 },
    },
    ...more,
  };
}
