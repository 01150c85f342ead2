import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import { SkillHub } from "./hub.ts";
import { SkillInstaller } from "./install/installer.ts";
import { SkillUploads } from "./install/uploads.ts";
import { Skills, type SkillsDeps } from "./skills.ts";
import { SkillWorkshop } from "./workshop.ts";

/** What agents can be taught, and how that comes here. */
export interface SkillServices {
  readonly skills: Skills;
  readonly skillHub: SkillHub;
  readonly skillUploads: SkillUploads;
  readonly skillInstaller: SkillInstaller;
  readonly skillWorkshop: SkillWorkshop;
}

interface Deps extends SkillsDeps {
  store: Store;
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Pick<Sessions, "repository" | "lookupKey">;
  defender: Pick<DefenderPort, "screen" | "judge">;
  clock: Clock;
}

export function createSkills({ store, config, agents, sessions, defender, clock, edit, secrets }: Deps): SkillServices {
  const limits = LIMITS;
  const skills = new Skills({ config, agents, edit, secrets });
  const hub = new SkillHub({ env: () => config.env ?? {}, limits });
  const uploads = new SkillUploads(store, clock, limits);
  return {
    skills,
    skillHub: hub,
    skillUploads: uploads,
    skillInstaller: new SkillInstaller({ config, agents, skills, hub, uploads, defender, clock, limits }),
    skillWorkshop: new SkillWorkshop({ agents, skills, sessions, clock, limits }),
  };
}
