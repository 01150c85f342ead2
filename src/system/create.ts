import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { GrantRepository } from "../attach/grant-repository.ts";
import { AttachGrants } from "../attach/grants.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { SessionsPort } from "../sessions/types.ts";
import type { Settings } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import { UserRepository } from "../users/user-repository.ts";
import { Users } from "../users/users.ts";
import { ActiveWork } from "./active-work.ts";
import { Directories } from "./directories.ts";
import { OpenRequests } from "./open-requests.ts";
import { Stability } from "./stability.ts";
import { Suspension } from "./suspension.ts";

/** What concerns the gateway as a process, and who uses it. */
export interface OperationServices {
  readonly users: Users;
  readonly attachGrants: AttachGrants;
  readonly openRequests: OpenRequests;
  readonly activeWork: ActiveWork;
  readonly suspension: Suspension;
  readonly stability: Stability;
  readonly directories: Directories;
}

interface OperationDeps {
  store: Store;
  sessions: Pick<SessionsPort, "canonicalKey">;
  settings: Settings;
  config: { readonly home: string | undefined };
  agents: AgentCatalogue;
  runs: { readonly waiting: number; readonly atWork: number };
  scheduler: { readonly atWork: number; pause(isPaused: boolean): void };
  processes: { readonly backgroundAtWork: number };
  folderRelay: { list(nodeId: string, path: string | undefined): Promise<unknown> };
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

export function createOperations(deps: OperationDeps): OperationServices {
  const { sessions, store, settings, config, agents, runs, scheduler, processes, folderRelay, bus, clock, log } = deps;
  const profileBounds = {
    profiles: LIMITS.userProfiles,
    preferences: LIMITS.userPreferences,
    identities: LIMITS.userIdentities,
  };
  const openRequests = new OpenRequests();
  const activeWork = new ActiveWork({ requests: openRequests, runs, scheduler, processes });
  return {
    attachGrants: new AttachGrants({ repository: new GrantRepository(store, LIMITS.attachGrants), sessions, clock }),
    users: new Users({ repository: new UserRepository(store, profileBounds), bus, clock }),
    openRequests,
    activeWork,
    suspension: new Suspension({
      settings,
      bus,
      clock,
      log,
      blockers: () => activeWork.blockers(),
      pause: (isPaused) => scheduler.pause(isPaused),
    }),
    stability: new Stability({ bus, clock, work: runs }),
    directories: new Directories({
      agents,
      home: config.home,
      onNode: ({ nodeId, path }) => folderRelay.list(nodeId, path),
    }),
  };
}
