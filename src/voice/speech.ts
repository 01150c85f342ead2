import { basename } from "node:path";
import type {
  TtsEnabledResult,
  TtsPersonasResult,
  TtsProvidersResult,
  TtsSetPersonaResult,
  TtsSetProviderResult,
  TtsStatusResult,
} from "../../generated/types.ts";
import { pluginSwitch } from "../config/plugin-policy.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Settings } from "../store/settings.ts";
import { SPEECH_PROVIDERS, type SpeechProvider, speechProvider } from "./speech-providers.ts";
import type { SpeechAccess } from "./synthesis.ts";

/** What was chosen with `tts.*` methods. It goes before the configuration and survives restarts. */
interface Preferences {
  auto?: string;
  provider?: string;
  /** An empty text: none, whatever the configuration says. */
  persona?: string;
}

interface Persona {
  id: string;
  label?: string;
  description?: string;
  provider?: string;
  providers: string[];
}

const PREFERENCES = "tts.preferences";

/** Whether and with which service answers are spoken: the `tts` section, and what clients chose over it. */
export class Speech {
  /** @param databasePath file that holds the choices; its name is shown as `prefsPath` */
  constructor(private readonly deps: { config: ConfigPort; settings: Settings; databasePath: string }) {}

  async status(): Promise<TtsStatusResult> {
    const chosen = await this.preferences();
    const auto = this.auto(chosen);
    const provider = this.provider(chosen);
    const fallbackProviders = this.listed()
      .filter((each) => each.id !== provider && this.isConfigured(each))
      .map(({ id }) => id);
    return {
      enabled: auto !== "off",
      auto,
      provider,
      persona: this.persona(chosen),
      personas: this.allPersonas().map(({ providers: _, ...persona }) => persona),
      fallbackProvider: fallbackProviders[0] ?? null,
      fallbackProviders,
      // Where this machine keeps its files is for administrators.
      prefsPath: basename(this.deps.databasePath),
      providerStates: this.listed().map((each) => ({
        id: each.id,
        label: each.name,
        configured: this.isConfigured(each),
      })),
    };
  }

  async providers(): Promise<TtsProvidersResult> {
    return {
      providers: this.listed().map((each) => ({
        id: each.id,
        name: each.name,
        configured: this.isConfigured(each),
        models: [...each.models],
        voices: [...each.voices],
      })),
      active: this.provider(await this.preferences()),
    };
  }

  async personas(): Promise<TtsPersonasResult> {
    return {
      active: this.persona(await this.preferences()),
      personas: this.allPersonas().map((each) => ({ ...each })),
    };
  }

  /** Turns speaking on for all answers, or off. */
  async setEnabled(enabled: boolean): Promise<TtsEnabledResult> {
    await this.choose({ auto: enabled ? "always" : "off" });
    return { enabled };
  }

  /** @throws GatewayError for a provider that nobody knows */
  async setProvider(name: string): Promise<TtsSetProviderResult> {
    const provider = this.find(name)?.id;
    if (!provider) throw invalidRequest("Invalid provider. Use a registered TTS provider id.");
    await this.choose({ provider });
    return { provider };
  }

  /**
   * Nothing, null and `none` choose no persona.
   * @throws GatewayError for one that is not configured
   */
  async setPersona(name: unknown): Promise<TtsSetPersonaResult> {
    const wanted = typeof name === "string" ? name.trim().toLowerCase() : "";
    const persona = this.allPersonas().find(({ id }) => id.toLowerCase() === wanted)?.id;
    if (!persona && wanted !== "" && wanted !== "none") {
      throw invalidRequest("Invalid persona. Use a configured TTS persona id.");
    }
    await this.choose({ persona: persona ?? "" });
    return { persona: persona ?? null };
  }

  /** The providers as `talk.catalog` lists them. */
  catalogue(): { id: string; label: string; configured: boolean; models: string[]; voices: string[] }[] {
    return this.listed().map((each) => ({
      id: each.id,
      label: each.name,
      configured: this.isConfigured(each),
      models: [...each.models],
      voices: [...each.voices],
    }));
  }

  /** The services in the order in which they are asked: the one in force, then the others. */
  async order(): Promise<string[]> {
    const first = this.provider(await this.preferences());
    return [first, ...this.listed().flatMap(({ id }) => (id === first ? [] : id))];
  }

  /**
   * How a service is called, or null when it is not known or there is no key for it.
   * @param over laid over its settings; an `apiKey` there goes before all others
   */
  access(name: string, over: Record<string, unknown>): SpeechAccess | null {
    const provider = this.find(name);
    if (!provider) return null;
    const { config } = this.deps;
    const own = dict(dict(this.section.providers)[provider.id]);
    const model = dict(dict(dict(config.current.models).providers)[provider.id]);
    const settings = { ...own, ...over };
    const env = (names: readonly string[]) => names.map((each) => text(config.env?.[each])).find(Boolean);
    const apiKey = text(settings.apiKey) ?? text(model.apiKey) ?? env(provider.keyEnv);
    if (apiKey === undefined) return null;
    const baseUrl = text(settings.baseUrl) ?? (provider.id === "openai" ? env(["OPENAI_TTS_BASE_URL"]) : undefined);
    return { id: provider.id, settings, apiKey, baseUrl };
  }

  private find(name: string): SpeechProvider | undefined {
    const provider = speechProvider(name);
    return provider && this.isInUse(provider) ? provider : undefined;
  }

  private isInUse({ id }: SpeechProvider): boolean {
    return pluginSwitch(this.deps.config.current, id).isOn;
  }

  private get section(): Record<string, unknown> {
    return dict(this.deps.config.current.tts);
  }

  private async preferences(): Promise<Preferences> {
    return (await this.deps.settings.get<Preferences>(PREFERENCES)) ?? {};
  }

  private async choose(change: Preferences): Promise<void> {
    await this.deps.settings.update<Preferences>(PREFERENCES, (before) => ({ ...before, ...change }));
  }

  private auto(chosen: Preferences): string {
    const { auto, enabled } = this.section;
    return chosen.auto ?? text(auto) ?? (enabled === true ? "always" : "off");
  }

  /** The provider in force: chosen, configured, else the first one with a key; empty when there is none. */
  private provider(chosen: Preferences): string {
    const configured = text(this.section.provider);
    return (
      chosen.provider ??
      (configured && (speechProvider(configured)?.id ?? configured)) ??
      this.listed().find((each) => this.isConfigured(each))?.id ??
      ""
    );
  }

  private persona(chosen: Preferences): string | null {
    const name = chosen.persona ?? text(this.section.persona);
    return this.allPersonas().find(({ id }) => id === name)?.id ?? null;
  }

  private allPersonas(): Persona[] {
    return Object.entries(dict(this.section.personas)).map(([id, raw]) => {
      const { label, description, provider, providers } = dict(raw);
      const shown = { label: text(label), description: text(description), provider: text(provider) };
      const set = Object.entries(shown).filter(([, value]) => value !== undefined);
      return { id, ...Object.fromEntries(set), providers: Object.keys(dict(providers)) };
    });
  }

  /** What is always listed, and what the configuration or a key names. */
  private listed(): SpeechProvider[] {
    const own = dict(this.section.providers);
    return SPEECH_PROVIDERS.filter(
      (each) => this.isInUse(each) && (each.isListed || each.id in own || this.hasKey(each)),
    );
  }

  /** Whether there is a key for it; one without keys is set up as soon as the configuration has an entry for it. */
  private isConfigured(provider: SpeechProvider): boolean {
    return provider.keyEnv.length === 0
      ? dict(dict(this.section.providers)[provider.id]).enabled !== false && provider.id in dict(this.section.providers)
      : this.hasKey(provider);
  }

  private hasKey({ id, keyEnv }: SpeechProvider): boolean {
    const { config } = this.deps;
    const entries = [dict(this.section.providers)[id], dict(dict(config.current.models).providers)[id]];
    return (
      entries.some((entry) => text(dict(entry).apiKey) !== undefined) ||
      keyEnv.some((name) => config.env?.[name]?.trim())
    );
  }
}
