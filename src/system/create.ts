import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { GrantRepository } from "../attach/grant-repository.ts";
import { AttachGrants } from "../attach/grants.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Settings } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import { MentionRepository } from "../users/mention-repository.ts";
import { Mentions } from "../users/mentions.ts";
import { UserRepository } from "../users/user-repository.ts";
import { Users } from "../users/users.ts";
import { ActiveWork } from "./active-work.ts";
import { Directories } from "./directories.ts";
import { OpenRequests } from "./open-requests.ts";
import { Restarts } from "./restarts.ts";
import { Stability } from "./stability.ts";
import { Suspension } from "./suspension.ts";

/** What concerns the gateway as a process, and who uses it. */
export interface OperationServices {
  readonly users: Users;
  readonly mentions: Mentions;
  readonly attachGrants: AttachGrants;
  readonly openRequests: OpenRequests;
  readonly activeWork: ActiveWork;
  readonly restarts: Restarts;
  readonly suspension: Suspension;
  readonly stability: Stability;
  readonly directories: Directories;
}

interface OperationDeps {
  store: Store;
  sessions: Pick<Sessions, "canonicalKey" | "repository">;
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
  const profiles = new UserRepository(store, profileBounds);
  const users = new Users({ repository: profiles, bus, clock });
  const inbox = new MentionRepository(store, clock, LIMITS);
  return {
    attachGrants: new AttachGrants({ repository: new GrantRepository(store, LIMITS.attachGrants), sessions, clock }),
    users,
    mentions: new Mentions({ users, profiles, repository: inbox, sessions, agents, bus, clock, log }),
    openRequests,
    activeWork,
    restarts: new Restarts({ preflight: () => activeWork.preflight(), limits: LIMITS }),
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
