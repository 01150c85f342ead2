import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import type { Settings } from "../store/settings.ts";
import { EventLoopMonitor } from "./event-loop.ts";
import { Health, type HealthDeps } from "./health.ts";
import { Identity } from "./identity.ts";
import { Presence } from "./presence.ts";
import { Status, type StatusDeps } from "./status.ts";
import { StateVersions } from "./versions.ts";

/** Who this gateway is, who is there, and how it is. */
export interface VitalServices {
  readonly identity: Identity;
  readonly presence: Presence;
  readonly versions: StateVersions;
  readonly eventLoop: EventLoopMonitor;
  readonly health: Health;
  readonly status: Status;
}

type Deps = Omit<HealthDeps & StatusDeps, "versions" | "eventLoop" | "version"> & { settings: Settings };

export function createVitals({ settings, ...deps }: Deps): VitalServices {
  const versions = new StateVersions();
  const eventLoop = new EventLoopMonitor();
  return {
    identity: new Identity(settings),
    presence: new Presence({ bus: deps.bus, clock: deps.clock, versions }, COMPATIBLE_VERSION),
    versions,
    eventLoop,
    health: new Health({ ...deps, versions, eventLoop }),
    status: new Status({ ...deps, eventLoop, version: COMPATIBLE_VERSION }),
  };
}
