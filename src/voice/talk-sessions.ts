import type { TalkClientCreateParams, TalkSessionCreateParams } from "../../generated/types.ts";
import { readRoster } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { keyFacts } from "../sessions/keys.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Speech } from "./speech.ts";

/** Services of spoken conversations in real time that upstream has on board. */
const REALTIME: ReadonlySet<string> = new Set(["openai", "google", "xai"]);

interface TalkSessionsDeps {
  speech: Speech;
  config: ConfigPort;
  sessions: Pick<Sessions, "repository" | "canonicalKey">;
}

/**
 * Spoken conversations in real time: through the gateway (`talk.session.*`), by an app of its own (`talk.client.*`) and
 * their voices. Nothing here carries sound yet, so none can be opened and none is known; which reason is given follows
 * from what is configured. Refusals and their order as recorded from 2026.9.6.
 */
export class TalkSessions {
  constructor(private readonly deps: TalkSessionsDeps) {}

  /** @throws GatewayError always */
  async create(params: TalkSessionCreateParams): Promise<never> {
    const { mode = "realtime", sessionKey } = params;
    const transport = params.transport ?? (mode === "stt-tts" ? "managed-room" : "gateway-relay");
    if (transport === "webrtc" || transport === "provider-websocket") {
      const remedy = `use talk.client.create for client transport "${transport}"`;
      throw invalidRequest(`talk.session.create is Gateway-managed; ${remedy}`);
    }
    if (transport === "managed-room") return this.room(sessionKey);
    if (mode === "stt-tts") throw invalidRequest('stt-tts talk.session.create requires transport="managed-room"');
    const brain = mode === "realtime" ? "agent-consult" : "none";
    if ((params.brain ?? brain) !== brain) {
      throw invalidRequest(`${mode} talk.session.create requires transport="gateway-relay" and brain="${brain}"`);
    }
    throw withIssue(mode === "realtime" ? this.realtimeReason(params.provider) : transcriptionReason(params.provider));
  }

  /** @throws GatewayError always: there is no such conversation */
  unknown(): never {
    throw withIssue("Error: Unknown Talk session");
  }

  /** @throws GatewayError always */
  createForClient({ mode = "realtime", brain = "agent-consult", ...params }: TalkClientCreateParams): never {
    const { transport, provider, sessionKey } = params;
    if (mode !== "realtime") {
      throw invalidRequest(
        `talk.client.create only supports mode="realtime"; use talk.catalog for ${mode} provider discovery`,
      );
    }
    if (brain !== "agent-consult") throw invalidRequest('talk.client.create only supports brain="agent-consult"');
    if (transport === "gateway-relay") {
      throw invalidRequest("talk.client.create is client-owned; use talk.session.create for gateway-relay");
    }
    if (sessionKey !== undefined) this.knownKey(sessionKey);
    if (transport === "managed-room") {
      throw unavailable("managed-room realtime Talk sessions are not available in the browser UI yet");
    }
    throw unavailable(this.realtimeReason(provider));
  }

  /** @throws GatewayError always: no conversation of an app is known */
  unknownClient(): never {
    throw invalidRequest("Error: voice session not found");
  }

  /** @throws GatewayError always: no run of an app's conversation is at work */
  steerClient(): never {
    throw invalidRequest("talk.client.steer requires an active browser-owned Talk run");
  }

  /** @throws GatewayError always: nobody is in a call */
  noCall(): never {
    throw unavailable("Error: No active voice call is available");
  }

  /** @throws GatewayError always: no change of voice is under way */
  notOwned(): never {
    throw unavailable("Error: Voice change is not owned by this client");
  }

  private async room(sessionKey: string | undefined): Promise<never> {
    if (!sessionKey?.trim()) {
      throw invalidRequest("Either key, sessionId, label, shortId, or reference is required");
    }
    const key = this.knownKey(sessionKey);
    if (!(await this.deps.sessions.repository.find(key))) throw invalidRequest(`No session found: ${sessionKey}`);
    throw unavailable("Error: Talk rooms need an audio engine, which this gateway does not have yet");
  }

  /** @throws GatewayError for a key whose agent is not configured */
  private knownKey(sessionKey: string): string {
    const { config, sessions } = this.deps;
    const key = sessions.canonicalKey(sessionKey);
    const roster = readRoster(config.current, config.stateDir);
    const { agentId } = keyFacts(key, roster);
    if (roster.agents.some(({ id }) => id === agentId)) return key;
    throw invalidRequest(`Unknown agent id "${agentId}". Run openclaw agents list to see configured agents.`);
  }

  private realtimeReason(provider: string | undefined): string {
    const id = provider?.trim().toLowerCase() || "openai";
    const named = `Error: Realtime voice provider "${id}"`;
    if (!REALTIME.has(id)) return `${named} is not registered`;
    if (!this.deps.speech.access(id, {})) return `${named} is not configured`;
    return `${named} needs an audio engine, which this gateway does not have yet`;
  }
}

function transcriptionReason(provider: string | undefined): string {
  const named = provider?.trim();
  return named
    ? `Error: Realtime transcription provider "${named}" is not configured`
    : "Error: No realtime transcription provider registered";
}

const unavailable = (message: string, details?: Record<string, unknown>): GatewayError =>
  new GatewayError("UNAVAILABLE", message, { details });

const withIssue = (message: string): GatewayError =>
  unavailable(message, { talkIssue: { code: "realtime_unavailable", message, phase: "request" } });
