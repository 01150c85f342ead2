import { existsSync, readdirSync } from "node:fs";
import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import { refOf } from "../../models/references.ts";
import type { ModelMessage, ResolvedModel } from "../../models/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { SessionState, SessionsPort } from "../../sessions/types.ts";
import type { Tool } from "../../tools/types.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { createWorkspace } from "../manage/starting-files.ts";
import { workspaceOf } from "../roster.ts";
import { conversation, textTokens } from "./conversation.ts";
import { systemPrompt } from "./system-prompt.ts";
import { isPrivate, readWorkspaceFiles, type WorkspaceBounds, type WorkspaceFile } from "./workspace-files.ts";

/** What a model is given for a turn, with the figures that reports are made of. */
export interface TurnContext {
  system: string;
  messages: ModelMessage[];
  workspace: string;
  bounds: WorkspaceBounds;
  files: WorkspaceFile[];
  /** Characters of the system prompt that come from the files. */
  projectChars: number;
  /** Tokens, estimated: of all, and of the conversation in it. */
  promptTokens: number;
  messageTokens: number;
  /** Tokens that the conversation may take: the context window without the answer and the system prompt. */
  budget: number;
  /** Tokens kept free for the answer. */
  reserve: number;
  /** Messages of the transcript that were in reach and did not fit. */
  leftOut: number;
}

export interface TurnContextsOptions {
  sessions: SessionsPort;
  agents: AgentCatalogue;
  config: ConfigPort;
  clock: Clock;
}

/** What a turn asks of its context. */
export interface ContextWishes {
  /** Replaces the text of the newest message, when a command preceded it. */
  prompt?: string | undefined;
  /** Added to the system prompt. */
  extra?: string | undefined;
  /** Leaves out the files of the workspace. */
  light?: boolean | undefined;
  /** What the model may use. */
  tools?: readonly Tool[];
}

/** Puts together what a model is told: who the agent is, what its files say, and what was said before. */
export class TurnContexts {
  /** Workspaces that have been looked at; as many as there are agents. */
  private readonly seen = new Set<string>();

  constructor(private readonly options: TurnContextsOptions) {}

  /**
   * What the model is given of a session, the newest message last.
   */
  async prepare(
    session: SessionState,
    model: ResolvedModel,
    { prompt, extra, light = false, tools = [] }: ContextWishes,
  ): Promise<TurnContext> {
    const { sessions, agents, config, clock } = this.options;
    const { agentId, key } = session;
    const workspace = this.workspaceOf(agentId);
    const bounds = boundsOf(config);
    await this.setUp(workspace, agentId);
    const [identity, files, transcript] = await Promise.all([
      agents.identity({ agentId }),
      light ? [] : readWorkspaceFiles(workspace, bounds, { withMemory: isPrivate(key) }),
      sessions.recent(key, LIMITS.contextMessages),
    ]);
    const system = systemPrompt({
      name: identity.name ?? agentId,
      agentId,
      model: refOf(model),
      workspace,
      files,
      tools: tools.map(({ name }) => name),
      now: clock.now(),
      timeZone: timeZoneOf(config),
      extra,
    });
    const newest = transcript.at(-1);
    if (prompt !== undefined && newest?.role === "user")
      transcript[transcript.length - 1] = { ...newest, content: prompt };
    const reserve = Math.min(model.maxTokens, Math.floor(model.contextWindow / 2));
    const budget = Math.max(0, model.contextWindow - reserve - textTokens(system.text));
    const { messages, tokens, leftOut } = conversation(transcript, budget);
    return {
      system: system.text,
      messages,
      workspace,
      bounds,
      files,
      projectChars: system.projectChars,
      promptTokens: tokens + textTokens(system.text),
      messageTokens: tokens,
      budget,
      reserve,
      leftOut,
    };
  }

  /** The absolute path of an agent's workspace. */
  workspaceOf(agentId: string): string {
    const { agents, config } = this.options;
    return agents.find(agentId)?.workspace ?? workspaceOf(config.current, config.stateDir, agentId);
  }

  /** Gives an agent whose workspace is empty the files that every agent starts with, unless the owner brings his own. */
  private async setUp(workspace: string, agentId: string): Promise<void> {
    const { agents, config } = this.options;
    if (this.seen.has(workspace) || config.current.agents?.defaults?.skipBootstrap === true) return;
    this.seen.add(workspace);
    try {
      if (existsSync(workspace) && readdirSync(workspace).length > 0) return;
      const { name, emoji, avatar } = await agents.identity({ agentId });
      await createWorkspace(workspace, { name: name ?? agentId, emoji, avatar });
    } catch {
      // A folder that cannot be written to holds no files; the turn goes on without.
    }
  }
}

function boundsOf({ current }: ConfigPort): WorkspaceBounds {
  const { bootstrapMaxChars, bootstrapTotalMaxChars } = current.agents?.defaults ?? {};
  return {
    perFile: bootstrapMaxChars ?? LIMITS.workspaceFileChars,
    total: bootstrapTotalMaxChars ?? LIMITS.workspaceTotalChars,
  };
}

/** The owner's time zone, if it is one; else that of this machine. */
function timeZoneOf({ current }: ConfigPort): string {
  const wanted = current.agents?.defaults?.userTimezone;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!wanted) return own;
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: wanted }).resolvedOptions().timeZone;
  } catch {
    return own;
  }
}
