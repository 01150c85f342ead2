import { LIMITS } from "../../generated/limits.ts";
import type { VoiceWakeRouting, VoiceWakeTriggers } from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Settings } from "../store/settings.ts";

const TRIGGERS = "voicewake.triggers";
/** Upstream's words, which its apps listen for as long as nobody has chosen others (docs: nodes/voicewake). */
const DEFAULT_TRIGGERS: readonly string[] = ["openclaw", "claude", "computer"];

/** The words that wake a listening app: one list for all devices, kept over restarts. */
export class VoiceWake {
  constructor(private readonly deps: { settings: Settings; bus: EventBus }) {}

  async triggers(): Promise<VoiceWakeTriggers> {
    return { triggers: (await this.deps.settings.get<string[]>(TRIGGERS)) ?? [...DEFAULT_TRIGGERS] };
  }

  /**
   * Stores the words and tells every client and node. Blank ones and what is no text are left out, long ones are cut,
   * and an empty list stands for the default one.
   * @throws GatewayError when `triggers` is not a list
   */
  async setTriggers(triggers: unknown): Promise<VoiceWakeTriggers> {
    if (!Array.isArray(triggers)) throw invalidRequest("voicewake.set requires triggers: string[]");
    const words = triggers
      .filter((word): word is string => typeof word === "string")
      .map((word) => cut(word.trim()))
      .filter((word) => word !== "")
      .slice(0, LIMITS.voiceWakeTriggers);
    const result = { triggers: words.length > 0 ? words : [...DEFAULT_TRIGGERS] };
    await this.deps.settings.set(TRIGGERS, result.triggers);
    this.deps.bus.publish("voicewake.changed", result);
    return result;
  }

  /** Tells a node that has just connected what to listen for, as upstream does (docs: nodes/voicewake). */
  async greet(connId: string): Promise<void> {
    const { bus } = this.deps;
    bus.publish("voicewake.changed", await this.triggers(), { connIds: [connId] });
    bus.publish("voicewake.routing.changed", this.routing(), { connIds: [connId] });
  }

  /** Where a waking word leads: to the session that is open. No method can say otherwise. */
  routing(): VoiceWakeRouting {
    return { config: { version: 1, defaultTarget: { mode: "current" }, routes: [], updatedAtMs: 0 } };
  }
}

/** At most so many UTF-16 units, never half of a pair. */
const cut = (word: string): string =>
  word
    .slice(0, LIMITS.voiceWakeTriggerChars)
    .replace(/[\ud800-\udbff]$/, "")
    .trimEnd();
