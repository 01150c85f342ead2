import type { SkillsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const skills: SkillsHandlers<CallContext> = {
  "skills.status": (params, { skills }) => skills.status(params),
  "skills.update": (params, { skills }) => skills.update(params),
  "skills.bins": (_params, { skills }) => skills.bins(),
};
