import type { VoiceHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const voice: VoiceHandlers<CallContext> = {
  "voicewake.get": (_params, { voiceWake }) => voiceWake.triggers(),
  "voicewake.set": ({ triggers }, { voiceWake }) => voiceWake.setTriggers(triggers),
  "voicewake.routing.get": (_params, { voiceWake }) => voiceWake.routing(),
  "talk.config": (params, { talk, caller }) => talk.settings(params, caller),
  "talk.mode": (params, { talk }) => talk.setMode(params),
  "talk.catalog": (_params, { talk }) => talk.catalogue(),
  "tts.status": (_params, { speech }) => speech.status(),
  "tts.providers": (_params, { speech }) => speech.providers(),
  "tts.personas": (_params, { speech }) => speech.personas(),
  "tts.enable": (_params, { speech }) => speech.setEnabled(true),
  "tts.disable": (_params, { speech }) => speech.setEnabled(false),
  "tts.setProvider": ({ provider }, { speech }) => speech.setProvider(provider),
  "tts.setPersona": ({ persona }, { speech }) => speech.setPersona(persona),
};
