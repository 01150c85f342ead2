import type { ConfigPort } from "../../config/types.ts";
import { dict, text } from "../../models/settings.ts";
import type { StoredSession } from "../../sessions/entry.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { type ToolContext, ToolError } from "../types.ts";

/** How far a session's tools reach (docs: concepts/session-tool, Visibility). */
export type Visibility = "self" | "tree" | "agent" | "all";

/** Who looks: the session whose tool it is, in whose turn. */
export type Requester = Pick<ToolContext, "agentId" | "sessionKey" | "isOwner" | "isSandboxed">;

/** There is no such session, or it is out of reach. */
export class NotReachable extends ToolError {
  constructor(
    message: string,
    readonly status: "error" | "forbidden",
  ) {
    super(message);
  }
}

/** Most steps up a line of spawned sessions; deeper than subagents may go. */
const MOST_GENERATIONS = 8;
const LEVELS: readonly string[] = ["self", "tree", "agent", "all"];

/** Decides which sessions a session's tools may see and speak to. */
export class SessionAccess {
  constructor(private readonly deps: { config: ConfigPort; sessions: Sessions }) {}

  /**
   * The reach in force. A sandboxed session sees what it spawned and no more, unless the configuration says so; nor
   * does a turn that is not its owner's, because the words of strangers must not read what others said (KNOWN_ATTACKS 120).
   */
  reachOf(requester: Requester): { visibility: Visibility; spawnedOnly: boolean } {
    const { current } = this.deps.config;
    const named = text(dict(dict(current.tools).sessions).visibility);
    const visibility = named !== undefined && LEVELS.includes(named) ? (named as Visibility) : "all";
    const { sessionToolsVisibility } = dict(dict(dict(current.agents).defaults).sandbox);
    const clamped = (requester.isSandboxed && sessionToolsVisibility !== "all") || !requester.isOwner;
    return { visibility: clamped && visibility !== "self" ? "tree" : visibility, spawnedOnly: clamped };
  }

  /**
   * The session that a tool's argument names, by key, `current`, or session id. It is looked up first and judged then.
   * @throws NotReachable
   */
  async required(name: string, requester: Requester): Promise<StoredSession> {
    const session = await this.find(name, requester);
    const { visibility } = this.reachOf(requester);
    if (session && (await this.sees(requester, session))) return session;
    // Who sees only some is not told whether there are others.
    if (session === null && visibility === "all") throw new NotReachable(`No session found: ${name}`, "error");
    throw new NotReachable(
      `No session that this one may see: ${name} (tools.sessions.visibility=${visibility})`,
      "forbidden",
    );
  }

  async sees(requester: Requester, target: StoredSession): Promise<boolean> {
    const { visibility, spawnedOnly } = this.reachOf(requester);
    if (target.key === requester.sessionKey) return true;
    if (visibility === "self") return false;
    if (visibility !== "agent" && (await this.descends(target, requester.sessionKey))) return true;
    const isSameAgent = target.agentId === requester.agentId;
    if (visibility === "tree") return !spawnedOnly && isSameAgent && this.isMain(requester);
    if (isSameAgent) return true;
    return visibility === "all" && this.mayReach(requester.agentId, target.agentId);
  }

  /** Whether one agent's tools may reach another's sessions: `tools.agentToAgent`, on unless it says no. */
  mayReach(from: string, to: string): boolean {
    const { enabled, allow } = dict(dict(this.deps.config.current.tools).agentToAgent);
    if (enabled === false) return false;
    const patterns = Array.isArray(allow) ? allow.filter((entry) => typeof entry === "string") : [];
    if (patterns.length === 0) return true;
    return [from, to].every((id) => patterns.some((pattern) => matches(pattern.trim(), id)));
  }

  private async find(name: string, { sessionKey, agentId }: Requester): Promise<StoredSession | null> {
    const { repository } = this.deps.sessions;
    const wanted = name.trim();
    if (wanted === "" || wanted.toLowerCase() === "current") return repository.find(sessionKey);
    return (await repository.find(this.keyOf(wanted, agentId))) ?? repository.findById(wanted);
  }

  private keyOf(name: string, agentId: string): string {
    const { sessions } = this.deps;
    try {
      return sessions.canonicalKey(name, name.toLowerCase().startsWith("agent:") ? undefined : agentId);
    } catch {
      return name;
    }
  }

  private isMain({ sessionKey, agentId }: Requester): boolean {
    return sessionKey === `agent:${agentId}:${this.deps.sessions.agents.roster.mainKey}`;
  }

  private async descends(target: StoredSession, from: string): Promise<boolean> {
    let at: StoredSession | null = target;
    for (let step = 0; at !== null && step < MOST_GENERATIONS; step++) {
      const { spawnedBy } = at.entry;
      if (spawnedBy === undefined) return false;
      if (spawnedBy === from) return true;
      at = await this.deps.sessions.repository.find(spawnedBy);
    }
    return false;
  }
}

/** Exact ids count letter by letter, patterns with `*` in any case (docs: gateway/config-tools). */
function matches(pattern: string, id: string): boolean {
  if (!pattern.includes("*")) return pattern === id;
  const parts = pattern.split(/\*+/).map((part) => part.replace(/[^\w-]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(id);
}
