import type { ExecApprovalsSetParams } from "../../generated/types.ts";
import { uuid } from "../platform/ids.ts";

type Document = ExecApprovalsSetParams["file"];
type Agent = NonNullable<Document["agents"]>[string];
type AllowEntry = NonNullable<Agent["allowlist"]>[number];

const SECURITY: readonly unknown[] = ["deny", "allowlist", "full"];
const ASK: readonly unknown[] = ["off", "on-miss", "always"];

/**
 * The document as it is kept (measured on 2026.9.6): words that mean nothing are dropped rather than guessed at, blank
 * patterns go, entries get an id, the text of a command that an entry came from is not kept, and rules of an agent
 * called `default`, as older releases wrote them, become those of `main`. A socket that is not named stays.
 */
export function normalisedPolicy(file: Document, before: Document["socket"]): Document {
  const path = file.socket?.path ?? before?.path;
  const token = file.socket?.token ?? before?.token;
  const { default: old, ...others } = file.agents ?? {};
  const agents = old === undefined ? others : { ...others, main: merged(old, others.main) };
  return {
    version: 1,
    socket: { ...(path && { path }), ...(token && { token }) },
    defaults: modes(file.defaults ?? {}),
    agents: Object.fromEntries(Object.entries(agents).map(([id, agent]) => [id, normalisedAgent(agent)])),
  };
}

function merged(old: Agent, main: Agent = {}): Agent {
  const allowlist = [...(main.allowlist ?? []), ...(old.allowlist ?? [])];
  return { ...old, ...main, ...(allowlist.length > 0 && { allowlist }) };
}

function modes({ security, ask, askFallback, autoAllowSkills }: NonNullable<Document["defaults"]>) {
  return {
    ...(SECURITY.includes(security) && { security }),
    ...(ASK.includes(ask) && { ask }),
    ...(SECURITY.includes(askFallback) && { askFallback }),
    ...(autoAllowSkills !== undefined && { autoAllowSkills }),
  };
}

function normalisedAgent(agent: Agent): Agent {
  const allowlist = agent.allowlist?.filter(({ pattern }) => pattern.trim() !== "").map(normalisedEntry);
  return { ...modes(agent), ...(allowlist && { allowlist }), ...(agent.mcpTools && { mcpTools: agent.mcpTools }) };
}

function normalisedEntry({ commandText: _, ...entry }: AllowEntry): AllowEntry {
  return { ...entry, pattern: entry.pattern.trim(), id: entry.id ?? uuid() };
}
