import { LIMITS } from "../../generated/limits.ts";
import type { DreamDiaryChangeResult, DreamDiaryParams, DreamDiaryResult } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { changeFiles } from "../platform/fs-safe/changes.ts";
import { PathRefused } from "../platform/fs-safe/refusal.ts";
import { SafeRoot } from "../platform/fs-safe/root.ts";

/** In an agent's workspace. */
const DIARY = "DREAMS.md";
/** Between these stand the entries, each behind a line of three dashes (as measured from 2026.9.6). */
const START = "<!-- openclaw:dreaming:diary:start -->";
const END = "<!-- openclaw:dreaming:diary:end -->";
/** In an entry that was made from old notes. */
const BACKFILLED = "<!-- openclaw:dreaming:backfill-entry ";

/** The diaries of agents' workspaces. Nothing dreams here; owners keep them by hand or bring them along. */
export class DreamDiaries {
  constructor(private readonly agents: Pick<AgentCatalogue, "find" | "roster">) {}

  /** `doctor.memory.dreamDiary`. @throws GatewayError for an unknown agent */
  async read({ agentId }: DreamDiaryParams): Promise<DreamDiaryResult> {
    const { id, diary } = await this.open(agentId);
    if (!diary) return { agentId: id, found: false, path: DIARY };
    const { text, facts } = diary;
    return { agentId: id, found: true, path: DIARY, content: text, updatedAtMs: Math.trunc(facts.mtimeMs) };
  }

  /** `doctor.memory.resetDreamDiary`: takes out what was made from old notes. @throws GatewayError */
  async reset({ agentId }: DreamDiaryParams): Promise<DreamDiaryChangeResult> {
    const { id, found, removed } = await this.change(agentId, (entries) =>
      entries.filter((entry) => !entry.includes(BACKFILLED)),
    );
    return { agentId: id, path: DIARY, action: "reset", found, removedEntries: removed };
  }

  /** `doctor.memory.dedupeDreamDiary`: leaves the first of entries that say the same. @throws GatewayError */
  async dedupe({ agentId }: DreamDiaryParams): Promise<DreamDiaryChangeResult> {
    const { id, found, removed, kept } = await this.change(agentId, (entries) => {
      const said = new Set<string>();
      return entries.filter((entry) => said.size < said.add(plain(entry)).size);
    });
    const counts = { removedEntries: removed, dedupedEntries: removed, keptEntries: kept };
    return { agentId: id, action: "dedupeDreamDiary", path: DIARY, found, ...counts };
  }

  private async change(agentId: string | undefined, keep: (entries: string[]) => string[]) {
    const { id, root, diary } = await this.open(agentId);
    const parts = diary && partsOf(diary.text);
    if (!root || !diary || !parts) return { id, found: diary !== undefined, removed: 0, kept: 0 };
    const left = keep(parts.entries);
    const removed = parts.entries.length - left.length;
    if (removed > 0) {
      const text = `${parts.before}${START}\n${left.map((entry) => `---\n\n${entry}\n`).join("\n")}${END}${parts.after}`;
      await changeFiles(root, [{ parts: [DIARY], bytes: Buffer.from(text), before: diary.facts }]).catch(told);
    }
    return { id, found: true, removed, kept: left.length };
  }

  /** The diary as it is; links are not followed. */
  private async open(agentId: string | undefined) {
    const { agents } = this;
    const agent = agents.find(agentId?.trim() || agents.roster.defaultId);
    if (!agent) throw invalidRequest(`unknown agent id "${agentId}"`);
    try {
      const root = SafeRoot.at(agent.workspace, { links: "none" });
      const { bytes, facts } = await root.read([DIARY], LIMITS.dreamDiaryBytes);
      return { id: agent.id, root, diary: { text: bytes.toString("utf8"), facts } };
    } catch (error) {
      if (error instanceof PathRefused) return { id: agent.id };
      throw error;
    }
  }
}

/** The entries of a diary, undefined when it has no place for them. */
function partsOf(text: string): { before: string; entries: string[]; after: string } | undefined {
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) return undefined;
  const entries = text
    .slice(start + START.length, end)
    .split(/^---[ \t]*$/m)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return { before: text.slice(0, start), entries, after: text.slice(end + END.length) };
}

const plain = (entry: string): string => entry.replace(/\s+/g, " ");

function told(error: unknown): never {
  if (error instanceof PathRefused) throw new GatewayError("UNAVAILABLE", `${DIARY} was not changed: ${error.message}`);
  throw error;
}
