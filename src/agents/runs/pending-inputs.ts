import type { PendingInput, TranscriptMessage } from "../../sessions/types.ts";
import type { RunInput } from "./types.ts";

/**
 * Messages that were accepted and are not in the transcript: waiting, cancelled, or cut off by a stop of the gateway.
 * Those that will not run any more are bounded; the oldest go first.
 */
export class PendingInputs {
  private readonly bySession = new Map<string, Map<string, PendingInput>>();
  /** Keys of those that will not run, oldest first. */
  private readonly idle = new Map<string, string>();

  constructor(private readonly maxIdle: number) {}

  add(input: RunInput, state: PendingInput["state"]): void {
    const { id, acceptedAt, runId, sessionKey } = input;
    const message = state === "queued" ? input.message : withoutImages(input.message);
    const ofSession = this.bySession.get(sessionKey) ?? new Map<string, PendingInput>();
    this.bySession.set(sessionKey, ofSession.set(id, { id, acceptedAt, state, runId, message }));
    if (state === "queued") return;
    this.idle.set(id, sessionKey);
    const [oldest] = this.idle;
    if (this.idle.size > this.maxIdle && oldest) this.drop(...oldest);
  }

  remove({ id, sessionKey }: Pick<RunInput, "id" | "sessionKey">): void {
    this.drop(id, sessionKey);
  }

  /** Oldest first. */
  of(sessionKey: string): PendingInput[] {
    return [...(this.bySession.get(sessionKey)?.values() ?? [])];
  }

  /** Drops those of a session that will not run. */
  forget(sessionKey: string): void {
    for (const { id, state } of this.of(sessionKey)) if (state !== "queued") this.drop(id, sessionKey);
  }

  private drop(id: string, sessionKey: string): void {
    const ofSession = this.bySession.get(sessionKey);
    ofSession?.delete(id);
    if (ofSession?.size === 0) this.bySession.delete(sessionKey);
    this.idle.delete(id);
  }
}

/** What will not run any more is kept to be read; its images are only named. */
function withoutImages(message: TranscriptMessage): TranscriptMessage {
  const { content } = message;
  if (typeof content === "string" || !content.some(({ type }) => type === "image")) return message;
  return {
    ...message,
    content: content.map((part) => (part.type === "image" ? { type: "text", text: "[image]" } : part)),
  };
}
