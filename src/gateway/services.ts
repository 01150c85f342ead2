import type { ConfigPort } from "../config/types.ts";
import { Models } from "../models/models.ts";
import { EventBus } from "../platform/bus.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../store/store.ts";

/** What the composition needs from outside: the files that are open, and the configuration in force. */
export interface ServiceOptions {
  store: Store;
  config: ConfigPort;
  log: Logger;
  /** The wall clock unless a test moves its own. */
  clock?: Clock;
}

/**
 * Every domain of one gateway, built once. Handlers take what they need from it:
 * `"sessions.list": (params, { sessions }) => sessions.list(params)`.
 */
export interface Services {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: ConfigPort;
  readonly models: Models;
}

/** Builds the domains in the order of their dependencies. Nothing here opens files or sockets. */
export function createServices(options: ServiceOptions): Services {
  const { store, config, log, clock = systemClock } = options;
  const bus = new EventBus((error) => log.error("an event listener threw", { error }));
  const models = new Models({ config, clock, log });
  return { store, bus, clock, log, config, models };
}
