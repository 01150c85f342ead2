import type { AgentSettings } from "../../agents/roster.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Memory } from "../../memory/memory.ts";
import { dict } from "../../models/settings.ts";
import { jsonResult, type Tool } from "../types.ts";
import { NO_WIKI } from "./search.ts";

interface GetDeps {
  memory: Memory;
  config: ConfigPort;
  agentOf(agentId: string): AgentSettings;
}

/** `memory_get`: lines of a memory file, and of nothing else (docs: concepts/memory, results as measured from 2026.9.6). */
export function memoryGetTool({ memory, config, agentOf }: GetDeps): Tool {
  return {
    name: "memory_get",
    description:
      "Reads lines of MEMORY.md, USER.md, a Markdown file beneath memory/, or another indexed note, as memory_search names them. Gives an excerpt unless lines says how many; go on with nextFrom. Transcripts of sessions are not read by it.",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string" },
        from: { type: "integer", minimum: 1, description: "First line, from 1." },
        lines: { type: "integer", minimum: 1 },
        corpus: { type: "string", enum: ["memory", "wiki", "all"] },
      },
      required: ["path"],
      additionalProperties: false,
    },
    async run({ path, from, lines, corpus = "memory" }, { agentId }) {
      const given = String(path);
      if (corpus === "wiki") return jsonResult({ path: given, text: "", ...NO_WIKI });
      const agent = agentOf(agentId);
      const excerpt = await memory.read(agent, {
        path: given,
        from: from as number | undefined,
        lines: lines as number | undefined,
        maxChars: maxChars(config.current, agent),
      });
      if (corpus === "memory") return jsonResult(excerpt);
      const corpora = [{ corpus: "memory", outcome: excerpt.status === "error" ? "error" : "ok" }, ...NO_WIKI.corpora];
      return jsonResult({ ...excerpt, corpora });
    },
  };
}

/** `contextLimits.memoryGetMaxChars` of the agent, else of all. */
function maxChars(config: object, { raw }: AgentSettings): number | undefined {
  const defaults = dict(dict((config as Record<string, unknown>).agents).defaults);
  const own = dict(raw.contextLimits).memoryGetMaxChars ?? dict(defaults.contextLimits).memoryGetMaxChars;
  return typeof own === "number" && own > 0 ? own : undefined;
}
