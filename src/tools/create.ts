import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { fileTools } from "./files/create.ts";
import type { ToolRegistry } from "./registry.ts";

/** What the rooms of tools are made of. A room takes what it needs of it. */
export interface ToolRooms {
  config: ConfigPort;
  agents: AgentCatalogue;
  defender: DefenderPort;
  clock: Clock;
  log: Logger;
}

/** Puts the tools of every room into the registry: `registry.add(...fileTools(rooms))`. */
export function registerTools(registry: ToolRegistry, rooms: ToolRooms): void {
  registry.add(...fileTools({ ...rooms, limits: LIMITS }));
}
