import type {
  TalkCatalogResult,
  TalkConfigParams,
  TalkConfigResult,
  TalkModeParams,
  TalkModeState,
} from "../../generated/types.ts";
import { readRoster } from "../agents/roster.ts";
import type { Tree } from "../config/json5.ts";
import { redactTree } from "../config/redact.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import type { Speech } from "./speech.ts";

interface TalkDeps {
  config: ConfigPort;
  speech: Speech;
  bus: EventBus;
  clock: Clock;
  /** The secrets of this gateway, which are shown nowhere. */
  secrets(): readonly string[];
}

type Section = Record<string, unknown>;

/** What apps need for a spoken conversation: its settings, who takes part in it now, and what can be used for it. */
export class Talk {
  constructor(private readonly deps: TalkDeps) {}

  /**
   * The `talk` section with its keys redacted, and the provider in force with its settings. The key of that one is
   * shown to whoever asks with `includeSecrets` and holds `operator.talk.secrets`.
   * @throws GatewayError FORBIDDEN without `operator.read`, or without that scope
   */
  settings({ includeSecrets }: TalkConfigParams, caller: { scopes: ReadonlySet<string> }): TalkConfigResult {
    for (const scope of ["operator.read", ...(includeSecrets ? ["operator.talk.secrets"] : [])]) {
      if (!hasScope(caller, scope)) throw missingScope(scope);
    }
    const { config } = this.deps;
    const talk = dict(config.current.talk);
    const mainKey = text(dict(config.current.session).mainKey);
    const seamColor = text(dict(config.current.ui).seamColor);
    const shown = {
      ...(Object.keys(talk).length > 0 ? { talk: this.shownTalk(talk, includeSecrets === true) } : {}),
      ...(mainKey ? { session: { mainKey } } : {}),
      ...(seamColor ? { ui: { seamColor } } : {}),
    };
    return { config: shown as TalkConfigResult["config"] };
  }

  /** Tells every client that a spoken conversation began, went on to another phase, or ended. */
  setMode({ enabled, phase }: TalkModeParams): TalkModeState {
    const { bus, clock } = this.deps;
    const state = { enabled, phase: phase ?? null, ts: clock.now() };
    bus.publish("talk.mode", state);
    return state;
  }

  /** What there is for a spoken conversation. Speech providers are known; nothing listens or speaks here by itself. */
  catalogue(): TalkCatalogResult {
    const none = { ready: false, providers: [] };
    return {
      modes: [],
      transports: [],
      brains: [],
      speech: { providers: this.deps.speech.catalogue() },
      transcription: none,
      realtime: none,
    };
  }

  private shownTalk(talk: Section, withKey: boolean): Section {
    const { config, secrets } = this.deps;
    const hidden = dict((redactTree({ talk } as Tree, secrets()) as Section).talk);
    const provider = text(talk.provider);
    const own = dict(dict((withKey ? talk : hidden).providers)[provider ?? ""]);
    return {
      agentId: readRoster(config.current, config.stateDir).defaultId,
      ...hidden,
      ...(provider ? { resolved: { provider, config: own } } : {}),
    };
  }
}
