import { configuredChannels } from "../channels/configured.ts";
import { channelId } from "../channels/ids.ts";
import type { Outbound } from "../channels/outbound/outbound.ts";
import type { ConfigPort } from "../config/types.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { given, type Job } from "./job.ts";

/** Where something is to be said; what is open is found when it is said. */
export interface Target {
  channel?: string;
  to?: string;
  accountId?: string;
  threadId?: string | number;
}

/** A place in a channel. */
export interface Place {
  channel: string;
  to: string;
  accountId?: string;
  threadId?: string;
}

/** What became of a message: `unknown` while it waits for its channel. */
export interface Announced {
  status: "delivered" | "not-delivered" | "unknown";
  error?: string;
}

export interface AnnouncerDeps {
  config: ConfigPort;
  outbound: Pick<Outbound, "send">;
  sessions: Pick<Sessions, "canonicalKey" | "lastRoute">;
  /** Whose job it is. */
  ownerOf(job: Job): string;
}

export const NO_CHANNEL = "No channel is configured that the result could be announced in.";

/** Says in channels what jobs have to say, through the outbox: what a channel cannot take now waits there. */
export class Announcer {
  constructor(private readonly deps: AnnouncerDeps) {}

  /**
   * The place that a job means: the channel it names, or with `last` the one its address begins with, that of the last
   * message in its session, or the only one there is (docs: cron-jobs/delivery).
   * @returns the reason when there is none
   */
  async placeOf(job: Job, { channel = "last", to, accountId, threadId }: Target): Promise<Place | { error: string }> {
    const channels = configuredChannels(this.deps.config.current).map(({ id }) => id);
    const [, prefix, rest] = /^([a-z][\w-]*):(.+)$/i.exec(to?.trim() ?? "") ?? [];
    const selected = prefix !== undefined && channels.includes(channelId(prefix)) ? channelId(prefix) : undefined;
    const more = given({ accountId, threadId: threadId === undefined ? undefined : String(threadId) });
    if (channel !== "last") {
      const id = channelId(channel);
      if (selected !== undefined && selected !== id) {
        return { error: `The target belongs to ${selected}, not to ${id}, where it was to be announced.` };
      }
      if (to !== undefined) return { channel: id, to: selected === undefined ? to : rest!, ...more };
      const route = await this.lastRoute(job);
      return route?.channel === id ? { ...route, ...more } : { error: `No target in ${id} is known.` };
    }
    if (selected !== undefined) return { channel: selected, to: rest!, ...more };
    const route = await this.lastRoute(job);
    if (route !== null && to === undefined) return { ...route, ...more };
    if (channels.length === 1 && to !== undefined) return { channel: channels[0]!, to, ...more };
    return { error: NO_CHANNEL };
  }

  /** Where the last message of the job's session came from, if that is a channel. */
  private lastRoute(job: Job): Promise<Place | null> {
    const { sessions, ownerOf } = this.deps;
    const lasting = job.sessionKey ?? /^session:(.+)/.exec(job.sessionTarget)?.[1] ?? "main";
    return sessions.lastRoute(sessions.canonicalKey(lasting, lasting.startsWith("agent:") ? undefined : ownerOf(job)));
  }

  /** Sends a text once for each key, also after a restart. Never rejects. */
  async send(place: Place, text: string, idempotencyKey: string = uuid()): Promise<Announced> {
    try {
      await this.deps.outbound.send({ ...place, message: text, idempotencyKey }, { client: { id: "cron" } });
      return { status: "delivered" };
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      const isQueued = (thrown.details as { code?: string } | undefined)?.code === "OUTBOUND_DELIVERY_QUEUED";
      return { status: isQueued ? "unknown" : "not-delivered", error: thrown.message.replace(/^\w*Error: /, "") };
    }
  }
}
