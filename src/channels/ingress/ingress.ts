import type { ConfigPort } from "../../config/types.ts";
import { eventsIn } from "./batch.ts";
import { type IngressAccount, ingressAccounts } from "./guards.ts";
import type { Inbox } from "./inbox.ts";
import type { IngressTarget } from "./routes.ts";

/** What became of the events of a webhook. */
export interface Received {
  /** Events that are new. */
  accepted: number;
  /** Events that had come before. */
  duplicates: number;
}

/**
 * Where events come in by webhook, for the channel that they are for. No channel has a transport yet, so they wait in the
 * inbox, and nothing is said of their being handled.
 */
export class ChannelIngress {
  constructor(
    private readonly config: ConfigPort,
    readonly inbox: Inbox,
    private readonly maxEvents: number,
  ) {}

  /** The accounts that a call may be for; null for a channel or an account that is not configured. */
  accounts(target: IngressTarget): IngressAccount[] | null {
    return ingressAccounts(this.config.current, target);
  }

  /**
   * Takes the events of a body whose sender has been proved. On disk when the promise resolves.
   * @throws BadBatch for a body that holds no events
   */
  async receive(channel: string, account: string, body: string): Promise<Received | "full"> {
    const events = eventsIn(body, this.maxEvents);
    const result = await this.inbox.add(channel, account, events);
    return result === "full" ? "full" : { accepted: result.accepted, duplicates: events.length - result.accepted };
  }
}
