import type {
  TalkSpeakParams,
  TalkSpeakResult,
  TtsConvertParams,
  TtsConvertResult,
  TtsSpeakResult,
} from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { AudioFiles } from "./audio-files.ts";
import type { Speech } from "./speech.ts";
import { speechProvider } from "./speech-providers.ts";
import { type Clip, SYNTHESIS, SynthesisFailure } from "./synthesis.ts";

interface SpeakerDeps {
  config: ConfigPort;
  speech: Speech;
  files: AudioFiles;
  log: Logger;
  limits: { speechTextChars: number; speechMs: number; speechBytes: number };
}

interface Spoken {
  provider: string;
  clip: Clip;
}

/** Channels that show a clip as a voice message. */
const VOICE_NOTES: ReadonlySet<string> = new Set(["telegram", "whatsapp", "feishu", "matrix"]);

const unavailable = (message: string, details?: Record<string, unknown>): GatewayError =>
  new GatewayError("UNAVAILABLE", message, { details });

/**
 * Text turned into sound by the services that are set up (`tts.convert`, `tts.speak`, `talk.speak`). The service in force
 * is asked first, the others after it. Refusals in upstream's words (2026.9.6).
 */
export class Speaker {
  constructor(private readonly deps: SpeakerDeps) {}

  /** As a file on the gateway's machine. @throws GatewayError UNAVAILABLE with what each service said */
  async convert(params: TtsConvertParams): Promise<TtsConvertResult> {
    const input = params.text.trim();
    if (input === "") throw invalidRequest("tts.convert requires text");
    const { channel, provider, voiceId, modelId } = params as Record<string, unknown>;
    const named = text(provider);
    const overrides = this.overrides(named ?? (await this.deps.speech.order())[0], text(voiceId), text(modelId));
    if (input.length > this.maxChars) throw unavailable(this.tooLong(input));
    const isVoiceNote = VOICE_NOTES.has(text(channel)?.toLowerCase() ?? "");
    const spoken = await this.speakWith(named, input, overrides, isVoiceNote);
    const { outputFormat, voiceCompatible, audio, fileExtension } = spoken.clip;
    const audioPath = await this.deps.files.keep(audio, fileExtension);
    return { audioPath, provider: spoken.provider, outputFormat, voiceCompatible };
  }

  /** As base64. @throws GatewayError as `convert` */
  async speak(params: { text: string }): Promise<TtsSpeakResult> {
    const input = params.text.trim();
    if (input === "") throw invalidRequest("tts.speak requires text");
    if (input.length > this.maxChars) throw invalidRequest(`tts.speak ${lowerFirst(this.tooLong(input))}`);
    const { provider, clip } = await this.speakWith(undefined, input, {}, false);
    return { audioBase64: base64(clip.audio), provider, ...facts(clip) };
  }

  /** With the voice of Talk. @throws GatewayError UNAVAILABLE; `details.fallbackEligible` when apps may speak themselves */
  async talk(params: TalkSpeakParams): Promise<TalkSpeakResult> {
    const input = params.text.trim();
    if (input === "") throw invalidRequest("talk.speak requires text");
    const section = dict(this.deps.config.current.talk);
    const provider = text(section.provider);
    if (!provider) throw talkRefusal("talk_unconfigured", "talk provider not configured", true);
    const { text: _, ...said } = params;
    const settings = { ...dict(dict(section.providers)[provider]), ...said };
    const access = this.deps.speech.access(provider, settings);
    const synthesise = SYNTHESIS[access?.id ?? ""];
    if (!access) throw talkRefusal("talk_unconfigured", `${provider} is not configured`, true);
    if (!synthesise) throw talkRefusal("talk_provider_unsupported", `this gateway cannot speak with ${provider}`, true);
    if (input.length > this.maxChars) throw invalidRequest(`talk.speak ${lowerFirst(this.tooLong(input))}`);
    try {
      const clip = await synthesise(input, access, this.options(false));
      return {
        audioBase64: base64(clip.audio),
        provider: access.id,
        voiceCompatible: clip.voiceCompatible,
        ...facts(clip),
      };
    } catch (error) {
      throw talkRefusal("synthesis_failed", this.reason(error), false);
    }
  }

  /** Tries the services in their order, or the one that is named. */
  private async speakWith(
    named: string | undefined,
    input: string,
    overrides: Record<string, unknown>,
    isVoiceNote: boolean,
  ): Promise<Spoken> {
    const { speech } = this.deps;
    const failures: string[] = [];
    for (const id of named === undefined ? await speech.order() : [named]) {
      if (!speechProvider(id)) {
        failures.push(`${id}: no provider registered`);
        continue;
      }
      const access = speech.access(id, overrides);
      const synthesise = SYNTHESIS[access?.id ?? ""];
      if (access && synthesise) {
        try {
          return { provider: access.id, clip: await synthesise(input, access, this.options(isVoiceNote)) };
        } catch (error) {
          failures.push(`${id}: ${this.reason(error)}`);
        }
      } else failures.push(`${id}: ${access ? "this gateway cannot speak with it yet" : "not configured"}`);
    }
    throw unavailable(`TTS conversion failed: ${failures.join("; ")}`);
  }

  /** A voice or a model is one service's own. @throws GatewayError when it is not known whose */
  private overrides(provider: string | undefined, voiceId?: string, modelId?: string): Record<string, unknown> {
    if (voiceId === undefined && modelId === undefined) return {};
    if (!provider) throw invalidRequest("Error: TTS model or voice overrides require a resolved provider.");
    if (!speechProvider(provider)) throw invalidRequest(`Error: speech provider ${provider} is not registered`);
    const voice = voiceId === undefined ? {} : { speakerVoice: voiceId, speakerVoiceId: voiceId };
    return { ...voice, ...(modelId === undefined ? {} : { model: modelId }) };
  }

  private reason(error: unknown): string {
    if (error instanceof SynthesisFailure) return error.message;
    this.deps.log.error("text could not be spoken", { error });
    return "failed";
  }

  private options(isVoiceNote: boolean) {
    const { limits, config } = this.deps;
    const own = dict(config.current.tts).timeoutMs;
    const wait = typeof own === "number" && own > 0 ? own : limits.speechMs;
    return { isVoiceNote, maxBytes: limits.speechBytes, signal: AbortSignal.timeout(wait) };
  }

  private get maxChars(): number {
    const own = dict(this.deps.config.current.tts).maxTextLength;
    return typeof own === "number" && own > 0 ? own : this.deps.limits.speechTextChars;
  }

  private tooLong = (input: string): string => `Text too long (${input.length} chars, max ${this.maxChars})`;
}

const talkRefusal = (reason: string, why: string, fallbackEligible: boolean): GatewayError =>
  unavailable(`talk.speak unavailable: ${why}`, { reason, fallbackEligible });

const lowerFirst = (sentence: string): string => sentence[0]!.toLowerCase() + sentence.slice(1);
const base64 = (audio: Uint8Array): string => Buffer.from(audio).toString("base64");
const facts = ({ outputFormat, mimeType, fileExtension }: Clip) => ({ outputFormat, mimeType, fileExtension });
