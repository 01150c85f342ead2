import type { DefenderPort } from "../../defender/types.ts";
import { NoSandbox, type Sandboxes } from "../sandbox/sandboxes.ts";
import { type Tool, type ToolContext, ToolError, type ToolSubject } from "../types.ts";
import { Area } from "./area.ts";
import { editTool } from "./edit.ts";
import { lsTool } from "./ls.ts";
import { patchTool } from "./patch/tool.ts";
import { readTool } from "./read.ts";
import { type FileSettingsDeps, patchSettings, staysInWorkspace } from "./settings.ts";
import { writeTool } from "./write.ts";

/** Bytes, characters, lines and counts; values and reasons in `spec/chela/limits.yaml`. */
export interface FileToolLimits {
  toolReadChars: number;
  toolReadLines: number;
  toolListEntries: number;
  toolFileBytes: number;
  toolDiffChars: number;
  imageMaxBytes: number;
  patchMaxFiles: number;
}

export interface FileToolsOptions extends FileSettingsDeps {
  defender: Pick<DefenderPort, "judge">;
  limits: FileToolLimits;
  /** Where the files of sandboxed sessions are. */
  sandboxes?: Pick<Sandboxes, "placeOf" | "mayWrite">;
}

/** What each of the file tools is given. */
export interface FileToolDeps {
  /** Where the files of a call may be. @throws ToolError when there is no workspace */
  area(context: ToolContext): Area;
  defender: Pick<DefenderPort, "judge">;
  limits: FileToolLimits;
}

/** The tools that look at and change files: `ls`, `read`, `write`, `edit`, `apply_patch`. */
export function fileTools(options: FileToolsOptions): Tool[] {
  const { defender, limits, sandboxes } = options;
  const area = fileArea(options);
  const patchArea = (context: ToolContext) =>
    Area.of(
      placed(context, sandboxes),
      staysInWorkspace(options, context.agentId) || patchSettings(options).workspaceOnly,
    );
  const deps = { area, defender, limits };
  const writers = [
    writeTool(deps),
    editTool(deps),
    patchTool({ ...deps, area: patchArea, settings: () => patchSettings(options) }),
  ];
  const isWritable = (subject: ToolSubject): boolean =>
    subject.permissionMode !== "read-only" && (sandboxes?.mayWrite(subject) ?? true);
  return [
    lsTool(deps),
    readTool(deps),
    ...writers.map((tool) => ({
      ...tool,
      isAvailable: (subject: ToolSubject) => isWritable(subject) && (tool.isAvailable?.(subject) ?? true),
    })),
  ];
}

/** Where the files of a call may be. The function throws ToolError when there is no workspace. */
export const fileArea =
  (options: FileSettingsDeps & Pick<FileToolsOptions, "sandboxes">) =>
  (context: ToolContext): Area =>
    Area.of(placed(context, options.sandboxes), staysInWorkspace(options, context.agentId));

/** The context with the folder in which a sandboxed session's files are. @throws ToolError for settings that cannot be */
function placed(
  context: ToolContext,
  sandboxes: FileToolsOptions["sandboxes"],
): Pick<ToolContext, "workspace" | "isSandboxed"> & { at?: string } {
  if (!context.isSandboxed || sandboxes === undefined) return context;
  try {
    const { folder, at } = sandboxes.placeOf(context).files;
    return { workspace: folder, isSandboxed: true, at };
  } catch (error) {
    throw error instanceof NoSandbox ? new ToolError(error.message) : error;
  }
}
