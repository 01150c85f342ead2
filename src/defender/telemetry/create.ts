import { isAbsolute, join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { ChildWatch } from "./children.ts";
import { TelemetryFeed } from "./feed.ts";

/** The feed that the configuration names, read when an action is judged, and the watch over agents' commands. */
export function createTelemetry({ config, clock, log }: { config: ConfigPort; clock: Clock; log: Logger }): {
  feed: TelemetryFeed;
  childWatch: ChildWatch;
} {
  const settings = () => config.current.security.defender.telemetry;
  const common = {
    windowMs: () => settings().windowSeconds * 1000,
    bonus: () => settings().bonus,
    clock,
    log: log.child("telemetry"),
    limits: LIMITS,
  };
  const feed = new TelemetryFeed({
    ...common,
    path: () => {
      const { feed } = settings();
      return feed === undefined || feed === "" || isAbsolute(feed) ? feed : join(config.stateDir, feed);
    },
  });
  return { feed, childWatch: new ChildWatch(common) };
}
