import { isAbsolute } from "node:path";
import type { Suggestions } from "../../suggestions/suggestions.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, ToolError, type ToolSubject } from "../types.ts";

/** `suggest_task`, `dismiss_task`: work that was come across and that people may begin (docs: concepts/managed-worktrees). */
export function suggestionTools(suggestions: Suggestions): Tool[] {
  return [
    {
      name: "suggest_task",
      description:
        "Suggests further work that you have come across and that is beyond what was asked. Nothing is begun: people see title and tldr and decide. prompt is all that whoever does it will know; cwd is an absolute folder.",
      parameters: object(
        {
          title: { type: "string", minLength: 1, maxLength: 60 },
          prompt: { type: "string", minLength: 1, maxLength: 32_768 },
          tldr: { type: "string", minLength: 1, maxLength: 1024 },
          cwd: { type: "string", description: "Absolute; the workspace unless told." },
        },
        ["title", "prompt", "tldr"],
      ),
      isAvailable: isWatched,
      async run({ title, prompt, tldr, cwd }, { workspace, sessionKey, agentId }) {
        const folder = typeof cwd === "string" ? cwd : workspace;
        if (!isAbsolute(folder)) throw new ToolError("cwd must be an absolute path");
        const wish = { title: String(title), prompt: String(prompt), tldr: String(tldr), cwd: folder };
        const { taskId } = await asked(suggestions.create({ ...wish, sessionKey, agentId }));
        return jsonResult({ task_id: taskId });
      },
    },
    {
      name: "dismiss_task",
      description: "Takes back a task that this session has suggested and that is settled or wrong by now.",
      parameters: object(
        { task_id: { type: "string", minLength: 1, maxLength: 128 }, reason: { type: "string", maxLength: 1024 } },
        ["task_id"],
      ),
      isAvailable: isWatched,
      async run({ task_id: id }, { sessionKey }) {
        const { suggestions: own } = await asked(suggestions.list({ sessionKey }));
        if (!own.some((each) => each.id === id)) return jsonResult({ task_id: id, dismissed: false });
        const { dismissed } = await suggestions.dismiss(String(id));
        return jsonResult({ task_id: id, dismissed });
      },
    },
  ];
}

/** Whether people see suggestions where the session is talked in: not on channels. */
const isWatched = ({ channel }: ToolSubject): boolean => channel === undefined;
