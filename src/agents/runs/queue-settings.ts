import type { GatewayConfig } from "../../../generated/config.ts";
import type { SessionQueue } from "../../sessions/types.ts";
import type { QueueDrop, QueueMode, QueueSettings } from "./types.ts";

/** Upstream's built-in values (docs: concepts/queue). */
const DEFAULTS = { mode: "steer", debounceMs: 500, cap: 20, drop: "summarize" } as const satisfies QueueSettings;

export const QUEUE_MODES = ["steer", "followup", "collect", "interrupt"] as const satisfies readonly QueueMode[];
export const QUEUE_DROPS = ["old", "new", "summarize"] as const satisfies readonly QueueDrop[];

/** Where a message came from, as far as its place in the queue depends on it. */
export interface QueuePlace {
  /** Canonical. */
  sessionKey: string;
  /** The channel that it came through; without it the one that the session's key names, else the web chat. */
  channel?: string;
}

/**
 * What becomes of a message whose session is busy: what the message or its session says, else the configuration for its
 * channel, for all channels, and the built-in values. Several overrides: the first that says something counts.
 */
export function queueSettings(
  { messages }: GatewayConfig,
  place: QueuePlace,
  ...overrides: (SessionQueue | undefined)[]
): QueueSettings {
  const { byChannel, mode, debounceMsByChannel, cap, drop } = messages?.queue ?? {};
  const channel = place.channel ?? channelOf(place.sessionKey) ?? "webchat";
  const configured: SessionQueue = {
    mode: (byChannel as Record<string, QueueMode | undefined> | undefined)?.[channel] ?? mode,
    debounceMs: debounceMsByChannel?.[channel],
    cap: cap !== undefined && cap >= 1 ? cap : undefined,
    drop,
  };
  const sources = [...overrides, configured, DEFAULTS];
  const first = <T>(pick: (source: SessionQueue) => T | undefined): T =>
    sources.map((source) => source && pick(source)).find((value) => value !== undefined)!;
  return {
    mode: first((source) => source.mode),
    debounceMs: first((source) => source.debounceMs),
    cap: first((source) => source.cap),
    drop: first((source) => source.drop),
  };
}

/** How messages of programs wait: for as many as there are, and without a quiet time. */
export const plainQueue = (mode: QueueMode): QueueSettings => ({
  mode,
  debounceMs: 0,
  cap: Number.POSITIVE_INFINITY,
  drop: "summarize",
});

/** The channel that a session's key names: `telegram` of `agent:main:telegram:group:42`. */
const channelOf = (key: string): string | undefined => /^agent:[^:]+:([^:]+):(?:group|channel|direct):/.exec(key)?.[1];
