/** A service that turns text into speech. */
export interface SpeechProvider {
  id: string;
  name: string;
  /** Older names of the same. */
  aliases?: readonly string[];
  /** Environment variables that hold the key, in order; none for a service without one. */
  keyEnv: readonly string[];
  models: readonly string[];
  voices: readonly string[];
  /** Shown also when nothing is set up for it. */
  isListed?: boolean;
}

/** The services that a configuration may name (docs: tools/tts/quickstart), in the order in which one is chosen. */
export const SPEECH_PROVIDERS: readonly SpeechProvider[] = [
  {
    id: "openai",
    name: "OpenAI",
    keyEnv: ["OPENAI_API_KEY"],
    models: ["gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15", "tts-1", "tts-1-hd"],
    voices: [
      ...["alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "juniper", "marin", "onyx", "nova", "sage"],
      ...["shimmer", "verse"],
    ],
    isListed: true,
  },
  {
    id: "xai",
    name: "xAI",
    keyEnv: ["XAI_API_KEY"],
    models: [],
    voices: ["ara", "eve", "leo", "rex", "sal"],
    isListed: true,
  },
  {
    id: "elevenlabs",
    name: "ElevenLabs",
    keyEnv: ["ELEVENLABS_API_KEY", "XI_API_KEY"],
    models: [],
    voices: [],
  },
  { id: "google", name: "Google Gemini", keyEnv: ["GEMINI_API_KEY", "GOOGLE_API_KEY"], models: [], voices: [] },
  { id: "microsoft", name: "Microsoft", aliases: ["edge"], keyEnv: [], models: [], voices: [] },
];

/** The provider under an id or an older name of it, in any spelling. */
export function speechProvider(name: string): SpeechProvider | undefined {
  const wanted = name.trim().toLowerCase();
  return SPEECH_PROVIDERS.find(({ id, aliases }) => id === wanted || aliases?.includes(wanted));
}
