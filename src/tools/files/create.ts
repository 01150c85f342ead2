import type { DefenderPort } from "../../defender/types.ts";
import type { Tool, ToolContext } from "../types.ts";
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
  const { defender, limits } = options;
  const area = (context: ToolContext) => Area.of(context, staysInWorkspace(options, context.agentId));
  const patchArea = (context: ToolContext) =>
    Area.of(context, staysInWorkspace(options, context.agentId) || patchSettings(options).workspaceOnly);
  const deps = { area, defender, limits };
  return [
    lsTool(deps),
    readTool(deps),
    writeTool(deps),
    editTool(deps),
    patchTool({ ...deps, area: patchArea, settings: () => patchSettings(options) }),
  ];
}
