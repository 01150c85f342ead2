/** A message that was sent with an idempotency key. */
export interface SentMessage {
  sessionKey: string;
  runId: string;
  text: string;
  /** The gateway said `started`. */
  accepted: boolean;
  /** The run's `final` arrived. */
  completed: boolean;
}

/** A note that was put into a transcript. */
export interface InjectedNote {
  sessionKey: string;
  text: string;
  messageId: string;
}

/**
 * What the clients of a killed gateway know: what they asked for, and what they were told is done. Everything that was
 * told must be there afterwards; what was only asked for may be there or not, but not in part.
 */
export class Ledger {
  readonly messages: SentMessage[] = [];
  readonly notes: InjectedNote[] = [];
  /** Keys of sessions whose creation was acknowledged. */
  readonly created: string[] = [];
  /** What a living gateway refused to do: a fault of the load, or of the gateway. */
  readonly refusals: string[] = [];
  /** Labels by session: the one acknowledged last, and those sent after it. */
  readonly labels = new Map<string, { acknowledged: string | undefined; pending: string[] }>();

  labelSent(key: string, label: string): void {
    const known = this.labels.get(key) ?? { acknowledged: undefined, pending: [] };
    known.pending.push(label);
    this.labels.set(key, known);
  }

  labelAcknowledged(key: string, label: string): void {
    const known = this.labels.get(key)!;
    known.pending = known.pending.slice(known.pending.indexOf(label) + 1);
    known.acknowledged = label;
  }

  /** How many things were acknowledged, to see that a round did something. */
  get acknowledged(): number {
    const accepted = this.messages.filter((message) => message.accepted).length;
    const labels = [...this.labels.values()].filter(({ acknowledged }) => acknowledged !== undefined).length;
    return accepted + this.notes.length + this.created.length + labels;
  }
}
