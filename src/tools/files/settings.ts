import type { AgentSettings } from "../../agents/roster.ts";
import type { ConfigPort } from "../../config/types.ts";
import { dict } from "../../models/settings.ts";

/** What the file tools need to know of the configuration and the agents. */
export interface FileSettingsDeps {
  config: Pick<ConfigPort, "current">;
  agents: { find(id: string): Pick<AgentSettings, "raw"> | undefined };
}

/**
 * Whether an agent's file tools stay in its workspace: `tools.fs.workspaceOnly`, which an agent may set for itself.
 * Upstream's default lets them out; here they stay inside until the configuration says `false`.
 */
export function staysInWorkspace({ config, agents }: FileSettingsDeps, agentId: string): boolean {
  const own = flag(dict(dict(agents.find(agentId)?.raw.tools).fs).workspaceOnly);
  return own ?? flag(dict(dict(config.current.tools).fs).workspaceOnly) ?? true;
}

/** Settings of `apply_patch`, `tools.exec.applyPatch` (docs: tools/apply-patch). */
export function patchSettings({ config }: FileSettingsDeps): {
  isEnabled: boolean;
  workspaceOnly: boolean;
  /** Models that may patch, as `model` or `provider/model`; empty means all. */
  models: string[];
} {
  const raw = dict(dict(dict(config.current.tools).exec).applyPatch);
  return {
    isEnabled: flag(raw.enabled) ?? true,
    workspaceOnly: flag(raw.workspaceOnly) ?? true,
    models: strings(raw.allowModels),
  };
}

const flag = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
