import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { DeviceTokens } from "../client/device-tokens.ts";
import { loadOrCreateIdentity } from "../client/identity.ts";
import { knownSecrets } from "../config/configured-secrets.ts";
import type { ConfigPort } from "../config/types.ts";
import { createDefender } from "../defender/create.ts";
import { EventBus } from "../platform/bus.ts";
import { systemClock } from "../platform/clock.ts";
import { Metrics } from "../platform/metrics.ts";
import { Store } from "../store/store.ts";
import { AnswerRepository } from "./answer-repository.ts";
import { sidecarFolder } from "./places.ts";
import { Sidecar, type SidecarOptions } from "./sidecar.ts";

export interface CreateSidecarOptions
  extends Pick<SidecarOptions, "url" | "secret" | "auditOnly" | "tell" | "log" | "backoff"> {
  config: ConfigPort;
}

/** A sidecar with the state that it keeps. */
export interface OpenSidecar {
  sidecar: Sidecar;
  /** Where its decisions are. */
  databasePath: string;
  /** Ends it and closes its database. */
  stop(): Promise<void>;
}

/**
 * Builds the sidecar of one gateway. Its device, its tokens and its records lie in `sidecar/` of the state directory, a
 * database for each gateway; thresholds, policy and host key are those of this machine.
 * @throws IdentityError when the device's key cannot be used
 */
export function openSidecar({ config, url, ...options }: CreateSidecarOptions): OpenSidecar {
  const folder = sidecarFolder(config.stateDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const identity = loadOrCreateIdentity(folder, systemClock.now());
  const databasePath = join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 16)}.sqlite`);
  const store = Store.open(databasePath);
  const { log, secret } = options;
  const configured = knownSecrets(config);
  const own = Object.values(secret ?? {}).filter((value) => typeof value === "string");
  const { defender } = createDefender({
    store,
    config,
    bus: new EventBus(),
    clock: systemClock,
    log,
    metrics: new Metrics(),
    secrets: () => [...configured(), ...own],
  });
  const bounds = { maxRows: LIMITS.sidecarApprovalsKept, maxAgeMs: LIMITS.sidecarApprovalsKeptMs };
  const sidecar = new Sidecar({
    ...options,
    url,
    identity,
    tokens: new DeviceTokens(folder, identity.id),
    defender,
    answers: new AnswerRepository(store, bounds),
    clock: systemClock,
    limits: LIMITS,
  });
  return {
    sidecar,
    databasePath,
    async stop() {
      await sidecar.stop();
      await store.close();
    },
  };
}
