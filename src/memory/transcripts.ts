import { textOf } from "../sessions/names.ts";
import type { Sessions } from "../sessions/sessions.ts";

/** What was said in a session, as a source of memory. */
export interface MemoryTranscript {
  /** As results name it; no file of this name exists. */
  path: string;
  sessionKey: string;
  sessionId: string;
  /** Epoch milliseconds. */
  updatedAt: number;
  /** Another one whenever something was said or taken back. */
  version: string;
  messages: number;
}

/** Sessions whose words are no conversation: scheduled and regular turns (docs: reference/memory-config). */
const NOT_SPOKEN = /^agent:[^:]+:(?:cron|hook|heartbeat|dreaming)(?::|$)|:heartbeat$|:run:/;

/** Reads what people and assistants said in an agent's sessions. */
export class MemoryTranscripts {
  constructor(
    private readonly sessions: Sessions,
    private readonly limits: { memorySessions: number; memorySessionMessages: number },
  ) {}

  /** The transcripts at work of an agent's newest sessions. */
  async of(agentId: string): Promise<MemoryTranscript[]> {
    const { repository, transcripts } = this.sessions;
    const page = { order: "recent", limit: this.limits.memorySessions, offset: 0 } as const;
    const { sessions } = await repository.list({ agentIds: [agentId] }, page);
    const found: MemoryTranscript[] = [];
    for (const { key, entry } of sessions) {
      if (NOT_SPOKEN.test(key)) continue;
      const { sessionId, updatedAt } = entry;
      const state = await transcripts.state(sessionId);
      const [newest] = state ? await transcripts.newest(sessionId, 1) : [];
      if (!state || !newest) continue;
      const path = `sessions/${agentId}/${sessionId}.jsonl`;
      const version = `${state.id}:${state.messages}:${newest.id}`;
      found.push({ path, sessionKey: key, sessionId, updatedAt, version, messages: state.messages });
    }
    return found;
  }

  /** One line for each message, at the position of the message; what is no speech leaves its line empty. */
  async read({ sessionId, messages }: MemoryTranscript): Promise<string> {
    const from = Math.max(1, messages - this.limits.memorySessionMessages + 1);
    const lines: string[] = Array.from({ length: messages }, () => "");
    for (let to = messages; to >= from; ) {
      const page = await this.sessions.transcripts.range(sessionId, Math.max(from, to - PAGE + 1), to);
      if (page.length === 0) break;
      for (const record of page) {
        const { role, seq } = record;
        if (role !== "user" && role !== "assistant") continue;
        const said = textOf(record).replace(/\s+/g, " ").trim();
        if (said !== "") lines[seq - 1] = `${role === "user" ? "User" : "Assistant"}: ${said}`;
      }
      to = page[0]!.seq - 1;
    }
    return lines.join("\n");
  }
}

/** Messages that are read at once. */
const PAGE = 200;
