import type { TurnWords } from "../defender/taint/turn-words.ts";
import type { Origin } from "../defender/types.ts";
import type { SessionToolSettings } from "../sessions/types.ts";

/** What a tool gives back: for the model, and beside it facts for those who watch. */
export interface ToolResult {
  content: ({ type: "text"; text: string } | { type: "image"; data: string; mimeType: string })[];
  /** JSON for clients and the transcript (`details`), never shown to the model. Bounded as the content is. */
  details?: Record<string, unknown>;
  isError?: true;
}

/** For whom and where a tool runs. */
export interface ToolContext {
  agentId: string;
  /** Canonical. */
  sessionKey: string;
  sessionId: string;
  runId: string;
  toolCallId: string;
  /** The agent's workspace, absolute; what is relative in arguments starts here. */
  workspace: string;
  /** Whether the sender of the turn is an owner; tools that are for owners alone are not offered to others. */
  isOwner: boolean;
  /** Where the turn's words came from, for the defender. */
  origin: Origin;
  /** The channel of the turn (`telegram`), absent for the gateway's own clients. */
  channel?: string;
  /** Whether the session runs in a sandbox; then commands and files stay inside it. */
  isSandboxed: boolean;
  /** Names of the tools that are offered beside this one; absent where nobody has asked policy. */
  offered?: ReadonlySet<string>;
  /** Whose model asks for the call; absent where none does. */
  provider?: string;
  model?: string;
  /** Whose words the turn has heard so far; absent outside of turns. */
  turn?: TurnWords;
  /** A person has seen this very call and agreed to it. */
  isAgreed?: boolean;
  /**
   * Asks a person about something that this call would do and the defender wants reviewed. Null when somebody agreed, else
   * why nobody did. Absent where nobody can be asked.
   */
  agree?(deed: Record<string, unknown>, reason: string): Promise<string | null>;
  /** Aborted when the run is; a tool ends what it started and rejects with the signal's reason. */
  signal: AbortSignal;
  /** Ends the turn without another answer once the calls of this one are done; absent outside of turns. */
  endTurn?(): void;
  /** Tells watchers what there is so far; may be called often, is throttled by the host. */
  onUpdate(partial: ToolResult): void;
}

/** One tool. Its name, group and profiles stand in `spec/catalog/tools.yaml`; a tool the catalogue calls `planned` is not offered. */
export interface Tool {
  name: string;
  /** For the model. */
  description: string;
  /** JSON schema of the arguments; arguments are checked against it before `run`. */
  parameters: Record<string, unknown>;
  /** True for a tool that checks its arguments by itself; then the host does not hold them against `parameters`. */
  checksArguments?: true;
  /** True for a tool beside the catalogue that changes nothing; of the others the catalogue says so. */
  reads?: boolean;
  /** False when the tool cannot work as things are configured (no key, no server); then it is not offered. */
  isAvailable?(subject: ToolSubject): boolean;
  /**
   * Does the work. What the model can mend (no such file, bad pattern) is thrown as `ToolError`; the host turns it into
   * a result. Anything else thrown is logged and told without internals.
   */
  run(args: Record<string, unknown>, context: ToolContext): Promise<ToolResult>;
}

/** Whose tools are asked for; what policy decides by. */
export interface ToolSubject {
  agentId: string;
  sessionKey: string;
  provider?: string;
  model?: string;
  channel?: string;
  /** Who sent the turn's message, as its channel names them. */
  senderId?: string;
  isOwner: boolean;
  isSandboxed: boolean;
  /** Whether the turn is a regular look at what waits, which nobody has asked for. */
  isHeartbeat?: boolean;
  /** How far the session's tools may go; without it as the configuration says. */
  permissionMode?: SessionToolSettings["permissionMode"];
  /** 0 for a session that a person began; a spawned one has its spawner's depth and 1. */
  subagentDepth: number;
  /** What the session that spawned this one had; nothing else is granted. */
  inheritedTools?: readonly string[];
}

/** A failure in words that the model can act on. Never holds secrets. */
export class ToolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ToolError";
  }
}

/** What turns ask of tools. Implemented by `tools/host.ts`. */
export interface ToolHostPort {
  /** The tools that policy grants and that can work now, in the catalogue's order. */
  offered(subject: ToolSubject): Promise<Tool[]>;
  /**
   * Runs one call: known and granted, arguments valid, no loop, judged by the defender, approved where it must be; then
   * the result, bounded and screened. Rejects only with the signal's reason.
   */
  call(name: string, args: Record<string, unknown>, context: ToolContext, subject: ToolSubject): Promise<ToolResult>;
}

/** A result of text alone. */
export const textResult = (text: string, details?: Record<string, unknown>): ToolResult => ({
  content: [{ type: "text", text }],
  ...(details ? { details } : {}),
});

/** A result that is JSON: the model reads it indented, clients get the value itself. */
export const jsonResult = (value: Record<string, unknown>): ToolResult => ({
  content: [{ type: "text", text: JSON.stringify(value, null, 2) }],
  details: value,
});
