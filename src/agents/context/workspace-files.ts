import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import { UnchangedFiles } from "../../platform/unchanged-files.ts";

/** The files of a workspace that every turn is given, in this order (docs: concepts/agent-workspace). */
export const WORKSPACE_FILES = ["AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "TOOLS.md"] as const;

/** What the agent has written down of its owner; for conversations with nobody else in them. */
const PRIVATE_FILE = "MEMORY.md";

/** Every turn is given the same files, which seldom change. */
export const workspaceFiles = new UnchangedFiles(LIMITS.workspaceCacheBytes);

/** A workspace file as it goes into the system prompt. */
export interface WorkspaceFile {
  name: string;
  /** Absolute path. */
  path: string;
  /** What the model is given: the whole, or its beginning. */
  text: string;
  /** Characters of the file itself. */
  rawChars: number;
  truncated: boolean;
}

/** Characters, from `agents.defaults.bootstrapMaxChars` and `bootstrapTotalMaxChars`. */
export interface WorkspaceBounds {
  perFile: number;
  total: number;
}

/** Whether nobody but its owner is in a conversation: no group, no channel of many, no agent that another one sent. */
export const isPrivate = (sessionKey: string): boolean =>
  !/^agent:[^:]+:(?:subagent:|[^:]+:(?:group|channel):|.*:thread:)/.test(sessionKey);

/** The files that exist, each cut to its bound and all together to theirs. What cannot be read is left out. */
export async function readWorkspaceFiles(
  workspace: string,
  bounds: WorkspaceBounds,
  { withMemory = false } = {},
): Promise<WorkspaceFile[]> {
  const names = withMemory ? [...WORKSPACE_FILES, PRIVATE_FILE] : WORKSPACE_FILES;
  const read = await Promise.all(names.map((name) => workspaceFiles.read(workspace, name, LIMITS.workspaceFileBytes)));
  const files: WorkspaceFile[] = [];
  let left = bounds.total;
  for (const [index, name] of names.entries()) {
    const bytes = read[index]!;
    if (typeof bytes === "string") continue;
    const whole = bytes.toString("utf8").trim();
    if (whole === "") continue;
    const text = whole.slice(0, Math.min(bounds.perFile, left));
    left -= text.length;
    files.push({
      name,
      path: join(workspace, name),
      text,
      rawChars: whole.length,
      truncated: text.length < whole.length,
    });
  }
  return files;
}
