/** A chat message that was sent with an idempotency key. */
export interface Turn {
  runId: string;
  text: string;
  /** The gateway acknowledged it. */
  accepted: boolean;
  /** Its answer was delivered. */
  completed: boolean;
}

/** Something with an id that is made, changed and removed; `undefined` where nothing was acknowledged yet. */
export interface Thing {
  /** The last value that was acknowledged. */
  value: string | undefined;
  /** Values that were sent and whose answer never came, or has not come yet: each may have taken effect. */
  maybe: string[];
  removed: "no" | "maybe" | "yes";
}

/**
 * What the clients were told is done. Everything in it must be there at the end; what was asked and never answered may
 * be there or not, and nothing may be there twice.
 */
export class Ledger {
  /** By session key, in the order of sending. */
  readonly turns = new Map<string, Turn[]>();
  readonly sessions = new Map<string, Thing>();
  /** Scheduled jobs by id, with their names. */
  readonly jobs = new Map<string, Thing>();
  /** Jobs that are due once, by id: the time they are due. */
  readonly once = new Map<string, number>();
  /** Decided approvals by id, the last of them only: older ones are given up in the gateway, too. */
  readonly approvals = new Map<string, string>();
  /** What a gateway that was there did wrong while the load ran. */
  readonly problems = new Map<string, number>();
  /** Acknowledged writes. */
  acknowledged = 0;
  readonly counts: Record<string, number> = {};

  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  problem(text: string): void {
    const known = this.problems.get(text);
    if (known !== undefined || this.problems.size < 200) this.problems.set(text, (known ?? 0) + 1);
  }

  turn(sessionKey: string, runId: string, text: string): Turn {
    const turn = { runId, text, accepted: false, completed: false };
    const known = this.turns.get(sessionKey);
    if (known) known.push(turn);
    else this.turns.set(sessionKey, [turn]);
    return turn;
  }

  /** Notes a change before it is sent. The returned function notes that it was acknowledged. */
  changing(things: Map<string, Thing>, id: string, value: string): () => void {
    const thing = things.get(id) ?? { value: undefined, maybe: [], removed: "no" };
    things.set(id, thing);
    thing.maybe.push(value);
    return () => {
      thing.value = value;
      thing.maybe = [];
      this.acknowledged++;
    };
  }

  /** The same for a removal. */
  removing(things: Map<string, Thing>, id: string): () => void {
    const thing = things.get(id)!;
    thing.removed = "maybe";
    return () => {
      thing.removed = "yes";
      this.acknowledged++;
    };
  }

  approved(id: string, decision: string): void {
    this.acknowledged++;
    this.approvals.set(id, decision);
    if (this.approvals.size > 1000) this.approvals.delete(this.approvals.keys().next().value!);
  }
}
