import type { EventWish, RecordedEvent } from "./cases.ts";
import type { ParityConnection } from "./connection.ts";
import type { Normaliser } from "./normalise.ts";
import { pointer } from "./pointer.ts";
import type { Frame } from "./socket.ts";
import type { Variables } from "./variables.ts";

const EVENT_TIMEOUT_MS = 20_000;
/** An error answer rarely has events behind it, so that little time is spent on them. */
const TIMEOUT_AFTER_ERROR_MS = 400;

export interface EventContext {
  connection: ParityConnection;
  /** Events before it came before the request. */
  mark: number;
  variables: Variables;
  normaliser: Normaliser;
  timeoutMs?: number;
  /** Multiplies the time to settle. */
  pace: number;
  /** Whether the request succeeded. */
  ok: boolean;
}

/** Waits for the wished events one after the other and records them. */
export async function recordEvents(
  wishes: readonly (string | EventWish)[],
  on: EventContext,
): Promise<RecordedEvent[]> {
  const recorded: RecordedEvent[] = [];
  for (const wish of wishes) {
    const wanted = on.variables.fill(typeof wish === "string" ? { event: wish } : wish);
    const timeoutMs = on.ok ? (on.timeoutMs ?? EVENT_TIMEOUT_MS) : TIMEOUT_AFTER_ERROR_MS;
    const hit = await on.connection.waitFor((frame) => fits(frame, wanted), on.mark, timeoutMs);
    on.variables.save(wanted.save, hit?.payload);
    if (hit === null) recorded.push({ event: wanted.event, missing: true });
    else if (wanted.collect === undefined) recorded.push(on.normaliser.event(hit));
    else {
      if (wanted.settleMs) await Bun.sleep(wanted.settleMs * on.pace);
      recorded.push(...collected(wanted, on).map((frame) => on.normaliser.event(frame)));
    }
  }
  return recorded;
}

function fits(frame: Frame, { event, where = {} }: EventWish): boolean {
  if (frame.event !== event) return false;
  return Object.entries(where).every(([path, value]) => Bun.deepEquals(pointer(frame.payload, `/${path}`), value));
}

/**
 * The events of a run as transitions: of consecutive ones of a kind only the last counts, because how a stream is
 * cut into deltas differs from run to run.
 */
function collected({ collect = [], runId }: EventWish, { connection, mark }: EventContext): Frame[] {
  const kept: Frame[] = [];
  for (const frame of connection.events(mark)) {
    if (!collect.includes(frame.event!) || (runId !== undefined && frame.payload?.runId !== runId)) continue;
    const last = kept.at(-1);
    if (last !== undefined && transition(last) === transition(frame)) kept[kept.length - 1] = frame;
    else kept.push(frame);
  }
  return kept;
}

function transition({ event, payload }: Frame): string {
  const { state, stream, data, phase } = payload ?? {};
  return JSON.stringify([event, state, stream, data?.phase ?? phase, data?.name]);
}
