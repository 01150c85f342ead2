import type { EventBus } from "../platform/bus.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Settings } from "../store/settings.ts";

/** What `last-heartbeat` shows of the newest heartbeat run. */
export interface HeartbeatRecord {
  /** Epoch milliseconds. */
  ts: number;
  status: string;
  preview?: string;
  reason?: string;
  /** What a person can do about the reason. */
  message?: string;
  hasMedia?: boolean;
  durationMs?: number;
}

const SWITCH = "heartbeats.enabled";
const LAST = "heartbeats.last";

/** The operator's switch for heartbeat runs and the record of the last one. Both survive restarts. */
export class Heartbeats {
  constructor(private readonly deps: { settings: Settings; bus: EventBus }) {}

  /** True unless an operator switched heartbeats off. */
  async enabled(): Promise<boolean> {
    return (await this.deps.settings.get<boolean>(SWITCH)) ?? true;
  }

  /** @throws GatewayError when `enabled` is not a boolean; upstream checks this by hand, outside its schemas. */
  async setEnabled(enabled: unknown): Promise<{ ok: true; enabled: boolean }> {
    if (typeof enabled !== "boolean") {
      throw invalidRequest("invalid set-heartbeats params: enabled (boolean) required");
    }
    await this.deps.settings.set(SWITCH, enabled);
    return { ok: true, enabled };
  }

  /** The newest heartbeat run, or null when none has run yet. */
  async last(): Promise<HeartbeatRecord | null> {
    return (await this.deps.settings.get<HeartbeatRecord>(LAST)) ?? null;
  }

  /** Stores a heartbeat run and tells subscribers. */
  async record(heartbeat: HeartbeatRecord): Promise<void> {
    await this.deps.settings.set(LAST, heartbeat);
    this.deps.bus.publish("heartbeat", heartbeat);
  }
}
