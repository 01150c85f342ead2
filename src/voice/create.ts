import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Settings } from "../store/settings.ts";
import { AudioFiles } from "./audio-files.ts";
import { Speaker } from "./speaker.ts";
import { Speech } from "./speech.ts";
import { Talk } from "./talk.ts";
import { TalkSessions } from "./talk-sessions.ts";
import { VoiceWake } from "./voice-wake.ts";

/** What speaks and is spoken to. */
export interface VoiceServices {
  readonly voiceWake: VoiceWake;
  readonly speech: Speech;
  readonly talk: Talk;
  readonly talkSessions: TalkSessions;
  readonly speaker: Speaker;
}

interface VoiceDeps {
  config: ConfigPort;
  settings: Settings;
  sessions: Pick<Sessions, "repository" | "canonicalKey">;
  databasePath: string;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** The secrets of this gateway, which are shown nowhere. */
  secrets(): readonly string[];
}

export function createVoice({
  config,
  settings,
  sessions,
  databasePath,
  bus,
  clock,
  log,
  secrets,
}: VoiceDeps): VoiceServices {
  const speech = new Speech({ config, settings, databasePath });
  const files = new AudioFiles(config.stateDir, LIMITS.speechFiles);
  return {
    voiceWake: new VoiceWake({ settings, bus }),
    speech,
    talk: new Talk({ config, speech, bus, clock, secrets }),
    talkSessions: new TalkSessions({ config, speech, sessions }),
    speaker: new Speaker({ config, speech, files, log, limits: LIMITS }),
  };
}
