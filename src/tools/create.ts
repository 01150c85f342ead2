import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { Completions, type CompletionsDeps } from "./exec/completion.ts";
import { execTools } from "./exec/create.ts";
import { Gatekeeper } from "./exec/gatekeeper.ts";
import type { Processes } from "./exec/processes.ts";
import { fileTools } from "./files/create.ts";
import type { ToolRegistry } from "./registry.ts";

/** What the rooms of tools are made of. A room takes what it needs of it. */
export interface ToolRooms {
  config: ConfigPort;
  agents: AgentCatalogue;
  defender: DefenderPort;
  clock: Clock;
  log: Logger;
  /** The commands that agents have started. */
  processes: Processes;
  /** How a session hears of something that has happened since its last turn. */
  notes: CompletionsDeps["notes"];
  wake: CompletionsDeps["wake"];
}

/** Puts the tools of every room into the registry: `registry.add(...fileTools(rooms))`. */
export function registerTools(registry: ToolRegistry, rooms: ToolRooms): void {
  const { config, defender } = rooms;
  registry.add(
    ...fileTools({ ...rooms, limits: LIMITS }),
    ...execTools({
      ...rooms,
      gatekeeper: new Gatekeeper({ defender }),
      completions: new Completions(rooms),
      env: () => config.env ?? process.env,
      limits: LIMITS,
    }),
  );
}
