import { dict, text } from "../models/settings.ts";

/** How a speech service is called. */
export interface SpeechAccess {
  id: string;
  /** Its entry in the configuration, what the call says laid over it. */
  settings: Record<string, unknown>;
  apiKey: string;
  /** Address instead of the service's own. */
  baseUrl?: string;
}

export interface Clip {
  audio: Uint8Array;
  /** As the service names it: `mp3`, `opus`, `wav`, `mp3_44100_128`. */
  outputFormat: string;
  mimeType: string;
  /** With its dot. */
  fileExtension: string;
  /** Whether chat apps show it as a voice message. */
  voiceCompatible: boolean;
}

export interface SynthesisOptions {
  /** For a voice message, which wants Opus. */
  isVoiceNote: boolean;
  signal: AbortSignal;
  /** Bytes of audio. */
  maxBytes: number;
}

/** Why a service did not speak. Its message is shown to callers: no key and nothing that the service wrote is in it. */
export class SynthesisFailure extends Error {
  override name = "SynthesisFailure";
}

const FORMATS: Readonly<Record<string, { mimeType: string; fileExtension: string }>> = {
  mp3: { mimeType: "audio/mpeg", fileExtension: ".mp3" },
  opus: { mimeType: "audio/ogg", fileExtension: ".opus" },
  wav: { mimeType: "audio/wav", fileExtension: ".wav" },
  flac: { mimeType: "audio/flac", fileExtension: ".flac" },
  aac: { mimeType: "audio/aac", fileExtension: ".aac" },
  pcm: { mimeType: "audio/pcm", fileExtension: ".pcm" },
};

type Synthesise = (text: string, access: SpeechAccess, options: SynthesisOptions) => Promise<Clip>;

/** The services that text can be sent to (docs: tools/tts/field-reference). */
export const SYNTHESIS: Readonly<Record<string, Synthesise>> = { openai: speakOpenAi, elevenlabs: speakElevenLabs };

/** `POST /audio/speech` of OpenAI and of the local services that are compatible with it. */
async function speakOpenAi(input: string, access: SpeechAccess, options: SynthesisOptions): Promise<Clip> {
  const { settings, apiKey, baseUrl = "https://api.openai.com/v1" } = access;
  const format = text(settings.outputFormat) ?? text(settings.responseFormat) ?? (options.isVoiceNote ? "opus" : "mp3");
  const body = {
    model: text(settings.model) ?? text(settings.modelId) ?? "gpt-4o-mini-tts",
    input,
    voice: text(settings.speakerVoice) ?? text(settings.voice) ?? text(settings.voiceId) ?? "coral",
    response_format: format,
    ...(typeof settings.speed === "number" ? { speed: settings.speed } : {}),
    ...(text(settings.instructions) ? { instructions: settings.instructions } : {}),
    ...extra(settings),
  };
  const headers = { authorization: `Bearer ${apiKey}` };
  return clip(format, await fetchAudio(`${trimmed(baseUrl)}/audio/speech`, headers, body, options));
}

/** `POST /v1/text-to-speech/{voice}` of ElevenLabs. */
async function speakElevenLabs(input: string, access: SpeechAccess, options: SynthesisOptions): Promise<Clip> {
  const { settings, apiKey, baseUrl = "https://api.elevenlabs.io" } = access;
  const voice = text(settings.speakerVoiceId) ?? text(settings.voiceId) ?? "pMsXgVXv3BLzUgSXRplE";
  const format = text(settings.outputFormat) ?? (options.isVoiceNote ? "opus_48000_64" : "mp3_44100_128");
  const tuned = dict(settings.voiceSettings);
  const body = {
    text: input,
    model_id: text(settings.model) ?? text(settings.modelId) ?? "eleven_multilingual_v2",
    voice_settings: {
      stability: settings.stability ?? tuned.stability ?? 0.5,
      similarity_boost: settings.similarity ?? tuned.similarityBoost ?? 0.75,
      style: settings.style ?? tuned.style ?? 0,
      use_speaker_boost: settings.speakerBoost ?? tuned.useSpeakerBoost ?? true,
      speed: settings.speed ?? tuned.speed ?? 1,
    },
    ...(typeof settings.seed === "number" ? { seed: settings.seed } : {}),
    ...(text(settings.languageCode) ? { language_code: settings.languageCode } : {}),
    ...(text(settings.applyTextNormalization) ? { apply_text_normalization: settings.applyTextNormalization } : {}),
  };
  const query = new URLSearchParams({ output_format: format });
  const url = `${trimmed(baseUrl)}/v1/text-to-speech/${encodeURIComponent(voice)}?${query}`;
  return clip(format, await fetchAudio(url, { "xi-api-key": apiKey, accept: "audio/*" }, body, options));
}

/** Posts and reads the audio as it comes, no more of it than allowed. Redirects are not followed: the key stays here. */
async function fetchAudio(
  url: string,
  headers: Record<string, string>,
  body: object,
  { signal, maxBytes }: SynthesisOptions,
): Promise<Uint8Array> {
  let response: Response;
  try {
    const init = { method: "POST", headers: { ...headers, "content-type": "application/json" }, signal };
    response = await fetch(url, { ...init, body: JSON.stringify(body), redirect: "error" });
  } catch {
    throw new SynthesisFailure(signal.aborted ? "the service did not answer in time" : "the service cannot be reached");
  }
  if (!response.ok) {
    await response.body?.cancel().catch(() => {});
    throw new SynthesisFailure(`the service answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > maxBytes) throw new SynthesisFailure(`the audio is larger than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof SynthesisFailure) throw error;
    throw new SynthesisFailure(signal.aborted ? "the service did not answer in time" : "the audio broke off");
  }
  if (size === 0) throw new SynthesisFailure("the service sent no audio");
  return Buffer.concat(chunks);
}

function clip(outputFormat: string, audio: Uint8Array): Clip {
  const codec = outputFormat.split("_")[0]!;
  const { mimeType, fileExtension } = FORMATS[codec] ?? { mimeType: "application/octet-stream", fileExtension: ".bin" };
  return { audio, outputFormat, mimeType, fileExtension, voiceCompatible: codec === "opus" };
}

/** Fields that only one compatible service knows. Keys that would change what objects are stay out. */
function extra(settings: Record<string, unknown>): Record<string, unknown> {
  const own = { ...dict(settings.extra_body), ...dict(settings.extraBody) };
  return Object.fromEntries(Object.entries(own).filter(([key]) => !/^(__proto__|constructor|prototype)$/.test(key)));
}

const trimmed = (url: string): string => url.replace(/\/+$/, "");
