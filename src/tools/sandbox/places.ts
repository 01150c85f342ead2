import { createHash } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { isAbsolute, join, normalize, resolve } from "node:path";
import type { AgentSettings } from "../../agents/roster.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { ToolContext } from "../types.ts";
import { checkedBinds, isWithin, type Mount } from "./binds.ts";
import { type SandboxSettings, sandboxSettings } from "./settings.ts";

/** Where a sandboxed session's commands and files are. */
export interface Place {
  settings: SandboxSettings;
  /** The folder of this machine that is `/workspace` within. */
  workspace: string;
  /** Workspaces and binds, in the order in which they are laid. */
  mounts: Mount[];
  /** Where the file tools are: this folder is this path within. */
  files: { folder: string; at: string };
}

export interface PlacesDeps {
  config: ConfigPort;
  agents: { find(id: string): Pick<AgentSettings, "raw"> | undefined };
}

/** The session's own folder within a sandbox. */
export const INSIDE = "/workspace";
const AGENT_INSIDE = "/agent";

/** Finds, and makes, the places of sandboxed sessions (docs: gateway/sandboxing/workspace-access). */
export class Places {
  constructor(private readonly deps: PlacesDeps) {}

  settingsOf(agentId: string): SandboxSettings {
    const { config, agents } = this.deps;
    return sandboxSettings(config.current, agents.find(agentId)?.raw);
  }

  /** @throws BindRefused for a bind of the configuration that may not be */
  of(context: Pick<ToolContext, "agentId" | "sessionKey" | "workspace">): Place {
    const settings = this.settingsOf(context.agentId);
    const own = resolve(context.workspace);
    const isShared = settings.workspaceAccess === "rw";
    const workspace = realpathSync(isShared ? own : this.privateFolder(context, settings));
    const mounts: Mount[] = [{ source: workspace, target: INSIDE, isWritable: true }];
    const isReadOnly = settings.workspaceAccess === "ro";
    if (isReadOnly) mounts.push({ source: realpathSync(own), target: AGENT_INSIDE, isWritable: false });
    const { allowsReservedTargets, allowsExternalSources } = settings;
    const rules = {
      roots: [workspace, own],
      forbidden: [this.deps.config.stateDir],
      allowsReservedTargets,
      allowsExternalSources,
    };
    mounts.push(...checkedBinds(settings.binds, rules));
    return {
      settings,
      workspace,
      mounts,
      files: isReadOnly ? { folder: own, at: AGENT_INSIDE } : { folder: workspace, at: INSIDE },
    };
  }

  /** Made for its owner alone. Another workspace of the agent has another one, so that nothing is mixed up. */
  private privateFolder(
    { agentId, sessionKey, workspace }: Pick<ToolContext, "agentId" | "sessionKey" | "workspace">,
    settings: SandboxSettings,
  ): string {
    const { stateDir } = this.deps.config;
    const root =
      settings.workspaceRoot === undefined ? join(stateDir, "sandboxes") : resolve(stateDir, settings.workspaceRoot);
    const names = {
      agent: `agent-${agentId}-${hash(workspace)}`,
      session: `session-${hash(`${sessionKey}\n${workspace}`)}`,
      shared: "shared",
    };
    const folder = join(root, names[settings.scope]);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** A path within, and where it is on this machine if it is in a mount. */
export function inside(place: Place, workdir: string): { path: string; outside: string | null } {
  const path = normalize(isAbsolute(workdir) ? workdir : join(INSIDE, workdir)).replace(/(.)\/+$/, "$1");
  const mount = [...place.mounts].reverse().find(({ target }) => isWithin(path, target));
  return { path, outside: mount === undefined ? null : mount.source + path.slice(mount.target.length) };
}
