import { join } from "node:path";
import type { UsableSkill } from "../../skills/skills.ts";
import type { SkillCommandSource } from "./commands.ts";
import type { Command } from "./types.ts";

/** What skill commands ask of the room of skills. */
export interface SkillCommandDeps {
  usable(agentId: string): Promise<readonly UsableSkill[]>;
}

/** The commands of an agent's skills: each begins a turn that goes by the skill (docs: tools/skills). */
export function skillCommands(skills: SkillCommandDeps): SkillCommandSource {
  return async (agentId) => (await skills.usable(agentId)).map(skillCommand);
}

/** `/skill <name> [input]`. */
export function skillCommandByName(skills: SkillCommandDeps): Command {
  return {
    name: "skill",
    description: "Run a skill by name.",
    category: "tools",
    usage: "<name> [input]",
    args: [
      { name: "name", description: "Skill name", type: "string", required: true },
      { name: "input", description: "Skill input", type: "string" },
    ],
    scope: "operator.write",
    async run({ args, agentId }) {
      const [, name = "", input = ""] = /^(\S*)\s*([\s\S]*)$/.exec(args) ?? [];
      const all = await skills.usable(agentId);
      const found = all.find((skill) => skill.name === name || commandName(skill.name) === name.toLowerCase());
      if (found) return { text: "", turn: turnOf(found, input) };
      const names = all.map((skill) => skill.name).join(", ");
      return {
        text: `${name === "" ? "Usage: /skill <name> [input]" : `No skill is called "${name}".`}\nSkills: ${names || "none"}`,
      };
    },
  };
}

const skillCommand = (skill: UsableSkill): Command => ({
  name: commandName(skill.name),
  description: skill.description,
  category: "tools",
  source: "skill",
  usage: "[input]",
  facts: { skillDisplayName: skill.title, skillModelVisible: skill.modelVisible },
  scope: "operator.write",
  run: async ({ args }) => ({ text: "", turn: turnOf(skill, args) }),
});

/** Channels take nothing but letters, digits and underscores, and 32 of them. */
const commandName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 32);

/** What the model is told: the skill in full, as an agent without tools could not read it. */
function turnOf({ name, baseDir, text }: UsableSkill, input: string): string {
  const head = `Go by the skill "${name}" for this request. It lies in ${join(baseDir, "SKILL.md")}:`;
  return [head, text, input === "" ? "" : `Request: ${input}`].filter((part) => part !== "").join("\n\n");
}
