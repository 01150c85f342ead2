import type { GatewayConfig } from "../../../generated/config.ts";
import type { QueueMode } from "./types.ts";

/** What the configuration says of messages that come while a session is busy; upstream's default is `steer`. */
export function queueMode({ messages }: GatewayConfig): QueueMode {
  return messages?.queue?.byChannel?.webchat ?? messages?.queue?.mode ?? "steer";
}
