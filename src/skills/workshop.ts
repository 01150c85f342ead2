import type {
  SkillsCuratorStatusResult,
  SkillsLibraryListParams,
  SkillsLibraryListResult,
  SkillsProposalEventsListResult,
  SkillsProposalsListResult,
  SkillsSecurityVerdictsResult,
  SkillsSkillCardParams,
  SkillsSkillCardResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Clock } from "../platform/clock.ts";
import { type GatewayError, invalidRequest } from "../platform/errors.ts";
import { readInside } from "../platform/read-inside.ts";
import { hasScope } from "../platform/scopes.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Skills } from "./skills.ts";

interface WorkshopDeps {
  agents: AgentCatalogue;
  skills: Skills;
  sessions: Pick<Sessions, "repository" | "lookupKey">;
  clock: Clock;
  limits: { skillFileBytes: number };
}

const CARD = "skill-card.md";
const SELECTION_LIMIT = 64;

/**
 * What upstream offers around skills: their cards, verdicts, a shared library, proposals of the workshop and the curator.
 * Nothing here writes proposals or keeps a library yet, so those are empty and nothing in them is found. Words as recorded
 * from 2026.9.6.
 */
export class SkillWorkshop {
  constructor(private readonly deps: WorkshopDeps) {}

  /** The card that came with a skill. @throws GatewayError when there is none */
  async card({ agentId, skillKey }: SkillsSkillCardParams): Promise<SkillsSkillCardResult> {
    const { skills, limits } = this.deps;
    const { skills: known } = await skills.status({ agentId });
    const skill = known.find((each) => each.skillKey === skillKey) as { baseDir?: string } | undefined;
    const folder = skill?.baseDir;
    const content = folder === undefined ? "missing" : await readInside(folder, CARD, limits.skillFileBytes);
    if (typeof content === "string") throw invalidRequest(`skill card not found for ${skillKey}`);
    const facts = { skillKey, path: CARD, sizeBytes: content.length, content: content.toString("utf8") };
    return { schema: "openclaw.skills.skill-card.v1", ...facts };
  }

  /** What the registry says of the skills that came from it. Nobody is asked yet. */
  verdicts(params: { agentId?: string }): SkillsSecurityVerdictsResult {
    this.mustKnow(params);
    return { schema: "openclaw.skills.security-verdicts.v1", items: [] };
  }

  proposals(params: { agentId?: string }): SkillsProposalsListResult {
    this.mustKnow(params);
    const updatedAt = new Date(this.deps.clock.now()).toISOString();
    return { schema: "openclaw.skill-workshop.proposals-manifest.v1", updatedAt, proposals: [], installedSkills: [] };
  }

  proposalEvents(params: { agentId?: string }): SkillsProposalEventsListResult {
    this.mustKnow(params);
    return { events: [] };
  }

  /** @throws GatewayError always: no proposal is there */
  noProposal(params: { agentId?: string; proposalId: string }): never {
    this.mustKnow(params);
    throw invalidRequest(`Skill proposal not found: ${params.proposalId}`);
  }

  /** @throws GatewayError always, as upstream does since it has taken this out */
  noHistoryScan(): never {
    throw invalidRequest(
      "Historical batch scans are retired. Start a learning session from Workshop to review past conversations.",
    );
  }

  curator(): SkillsCuratorStatusResult {
    return {
      lastAttemptAtMs: null,
      lastSuccessAtMs: null,
      lastError: null,
      collectionReview: {},
      experienceReview: {},
      counts: { active: 0, stale: 0, archived: 0 },
      skills: [],
      overlaps: [],
    };
  }

  /** @throws GatewayError always, as upstream does since it has taken this out */
  noCuration(): never {
    throw invalidRequest(
      "Skill lifecycle curation is retired. The weekly collection review manages the skill collection; pin, unpin, and " +
        "restore no longer exist.",
    );
  }

  /** @throws GatewayError for a session that is not there */
  async library(
    { sessionKey }: SkillsLibraryListParams,
    caller: { scopes: ReadonlySet<string> },
  ): Promise<SkillsLibraryListResult> {
    const key = sessionKey === undefined ? undefined : this.deps.sessions.lookupKey(sessionKey);
    if (key !== undefined && !(await this.deps.sessions.repository.find(key))) throw notFound("Session not found.");
    const canManageWorkspace = hasScope(caller, "operator.admin");
    return {
      entries: [],
      profileId: null,
      multipleProfiles: false,
      defaultTarget: canManageWorkspace ? "workspace" : "unavailable",
      canManageWorkspace,
      defaultSelectionLimit: SELECTION_LIMIT,
      ...(key !== undefined && { session: { sessionKey: key, selections: [], attachable: [] } }),
    };
  }

  /** @throws GatewayError always: the library is empty */
  notInLibrary(): never {
    throw notFound("Skill not found in your accessible library.");
  }

  private mustKnow({ agentId }: { agentId?: string }): void {
    this.deps.agents.owner(agentId, "skills workspace");
  }
}

const notFound = (message: string): GatewayError => invalidRequest(message, { code: "SKILL_LIBRARY_NOT_FOUND" });
