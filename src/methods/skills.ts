import type { SkillsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { sessionAsked } from "../sessions/read.ts";

/** Whether archives may be uploaded at all comes before what is wrong with one, as upstream has it. */
const uploadsAllowed: Guard = (_params, _caller, { skillInstaller }) => skillInstaller.mustAllowUploads();

export const skillGuards: Readonly<Record<string, Guard>> = {
  "skills.upload.begin": uploadsAllowed,
  "skills.upload.chunk": uploadsAllowed,
  "skills.upload.commit": uploadsAllowed,
};

export const skills: SkillsHandlers<CallContext> = {
  "skills.status": async (params, { skills, sessions }) => {
    await sessionAsked(sessions, params.sessionKey);
    return skills.status(params);
  },
  "skills.update": (params, { skills }) => skills.update(params),
  "skills.bins": (_params, { skills }) => skills.bins(),
  "skills.search": (params, { skillHub }) => skillHub.search(params),
  "skills.detail": ({ slug }, { skillHub }) => skillHub.detail(slug),
  "skills.install": (params, { skillInstaller, caller }) => skillInstaller.install(params, caller),
  "skills.upload.begin": (params, { skillUploads }) => skillUploads.begin(params),
  "skills.upload.chunk": (params, { skillUploads }) => skillUploads.chunk(params),
  "skills.upload.commit": (params, { skillUploads }) => skillUploads.commit(params),
  "skills.skillCard": (params, { skillWorkshop }) => skillWorkshop.card(params),
  "skills.securityVerdicts": (params, { skillWorkshop }) => skillWorkshop.verdicts(params),
  "skills.library.list": (params, { skillWorkshop, caller }) => skillWorkshop.library(params, caller),
  "skills.library.read": (_params, { skillWorkshop }) => skillWorkshop.notInLibrary(),
  "skills.curator.status": (_params, { skillWorkshop }) => skillWorkshop.curator(),
  "skills.curator.pin": (_params, { skillWorkshop }) => skillWorkshop.noCuration(),
  "skills.curator.unpin": (_params, { skillWorkshop }) => skillWorkshop.noCuration(),
  "skills.curator.restore": (_params, { skillWorkshop }) => skillWorkshop.noCuration(),
  "skills.proposals.list": (params, { skillWorkshop }) => skillWorkshop.proposals(params),
  "skills.proposals.events.list": (params, { skillWorkshop }) => skillWorkshop.proposalEvents(params),
  "skills.proposals.inspect": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.apply": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.reject": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.quarantine": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.evaluate": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.revise": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.requestRevision": (params, { skillWorkshop }) => skillWorkshop.noProposal(params),
  "skills.proposals.historyStatus": (_params, { skillWorkshop }) => skillWorkshop.noHistoryScan(),
  "skills.proposals.historyScan": (_params, { skillWorkshop }) => skillWorkshop.noHistoryScan(),
};
