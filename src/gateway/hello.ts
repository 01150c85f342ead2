import { EVENTS } from "../../generated/events.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { MethodSpec } from "../../generated/methods.ts";
import { hasScope } from "../platform/scopes.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import type { ConnectAccepted } from "./authorizer.ts";
import type { Caller } from "./context.ts";
import { MODEL_SNAPSHOT } from "./model-snapshot.ts";
import type { Services } from "./services.ts";

/** What hello-ok says about this process; made once per gateway. */
export interface HelloFacts {
  services: Services;
  methods: readonly MethodSpec[];
  /** New with every start, so that clients notice a restart. */
  bootId: string;
  startedAtMs: number;
}

/**
 * The answer to a successful `connect`. It names what this release really has: implemented methods and their
 * events, no surfaces of plugins. Presence only for readers, paths and the auth mode only for administrators
 * (BEHAVIOUR section 2).
 */
export async function helloPayload(facts: HelloFacts, { caller, auth }: ConnectAccepted) {
  const isReader = caller.role === "operator" && hasScope(caller, "operator.read");
  return {
    type: "hello-ok",
    protocol: caller.protocol,
    server: { version: COMPATIBLE_VERSION, bootId: facts.bootId, connId: caller.connId },
    features: {
      methods: facts.methods
        .filter(({ name, advertised }) => advertised && !facts.services.plugins.isGone(name))
        .map(({ name }) => name),
      events: ADVERTISED_EVENTS,
      capabilities: [MODEL_SNAPSHOT, "session-goal-start-v1"],
    },
    snapshot: await snapshot(facts, caller, isReader),
    ...(isReader && { controlUiWidgetKinds: [] }),
    auth,
    policy: POLICY,
  };
}

const ADVERTISED_EVENTS = Object.entries(EVENTS)
  .filter(([, spec]) => spec.advertised && spec.status === "implemented")
  .map(([name]) => name);

/** What clients must keep to. All operators see all sessions, so there is one visibility. */
const POLICY = {
  maxPayload: LIMITS.maxPayloadBytes,
  maxBufferedBytes: LIMITS.maxBufferedBytes,
  tickIntervalMs: LIMITS.tickIntervalMs,
  attachments: { maxBytes: LIMITS.attachmentMaxBytes, maxImageBytes: LIMITS.imageMaxBytes },
  allowedSessionVisibilities: ["shared"],
  hasMultipleSessionSharingIdentities: false,
};

async function snapshot({ services, startedAtMs }: HelloFacts, caller: Caller, isReader: boolean) {
  const { agents, clock, config, health, models, presence, suspension, versions } = services;
  const isAdmin = caller.role === "operator" && hasScope(caller, "operator.admin");
  const { session } = config.current;
  const defaultAgentId = agents.list().find((agent) => agent.isDefault)?.id ?? "main";
  const mainKey = "main";
  return {
    suspension: { phase: suspension.phase },
    presence: isReader ? presence.list() : [],
    health: await health.snapshot(),
    stateVersion: versions.snapshot(),
    uptimeMs: Math.max(0, clock.now() - startedAtMs),
    appliedConfigHash: config.hash,
    sessionDefaults: {
      defaultAgentId,
      modelConfigured: models.configured() !== null,
      ownership: "sole",
      selectionRequired: false,
      mainKey,
      mainSessionKey: `agent:${defaultAgentId}:${mainKey}`,
      scope: session?.scope ?? "per-sender",
    },
    ...(isReader && { updateSchedule: { channel: "stable", autoEnabled: false } }),
    ...(isAdmin && { configPath: config.path, stateDir: config.stateDir, authMode: authMode(services) }),
  };
}

function authMode({ config }: Services): string {
  return config.current.gateway.auth.mode ?? "token";
}
