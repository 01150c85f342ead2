import type { Tool } from "../types.ts";
import { type ExecToolDeps, execTool } from "./exec-tool.ts";
import { type ProcessToolDeps, processTool } from "./process-tool.ts";

export type ExecToolsDeps = Omit<ExecToolDeps, "limits"> & {
  limits: ExecToolDeps["limits"] & ProcessToolDeps["limits"];
};

/** The tools that run commands: `exec`, and `process` for those that go on in the background. */
export function execTools(deps: ExecToolsDeps): Tool[] {
  const { processes, gatekeeper, clock, limits } = deps;
  return [execTool(deps), processTool({ processes, gatekeeper, now: () => clock.now(), limits })];
}
