import type { ToolContext } from "./types.ts";

/** What a tool is given when the owner speaks in the main session. For tests. */
export const ownerContext = (workspace: string, more: Partial<ToolContext> = {}): ToolContext => ({
  agentId: "main",
  sessionKey: "agent:main:main",
  sessionId: "s1",
  runId: "r1",
  toolCallId: "c1",
  workspace,
  isOwner: true,
  origin: "owner",
  isSandboxed: false,
  signal: new AbortController().signal,
  onUpdate: () => {},
  ...more,
});
