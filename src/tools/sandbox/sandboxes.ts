import { dict, text } from "../../models/settings.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ToolContext, ToolSubject } from "../types.ts";
import { BindRefused } from "./binds.ts";
import { type Availability, available, confine } from "./bubblewrap.ts";
import { INSIDE, inside, type Place, Places, type PlacesDeps } from "./places.ts";

export interface SandboxesDeps extends PlacesDeps {
  log: Logger;
  /** Tries what this machine can do; tests say it. */
  probe?: typeof available;
}

/** A command for a sandbox, as a shell reads it. */
export interface SandboxCommand {
  command: string;
  /** As given; empty for the session's own folder. */
  workdir: string;
  /** Variables that the call sets, checked. */
  variables: Readonly<Record<string, string>>;
  /** Folders in front of the search path. */
  pathPrepend: readonly string[];
}

/** Nothing is run because no sandbox can be had, or not this one. For the model and the operator. */
export class NoSandbox extends Error {}

/** Engines that this gateway does not have. The local ones stand for the one that it has. */
const ELSEWHERE: ReadonlySet<string> = new Set(["ssh", "openshell", "crabbox"]);
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs what sandboxed sessions run, confined by bubblewrap. Where that is not possible nothing runs: a session that
 * must be in a sandbox never runs outside (docs: gateway/sandboxing; images and their settings are not used).
 */
export class Sandboxes {
  private readonly places: Places;
  private known: Promise<Availability> | undefined;

  constructor(private readonly deps: SandboxesDeps) {
    this.places = new Places(deps);
  }

  /** Whether there can be sandboxes on this machine. Tried once; when there were none, again with every question. */
  async availability(): Promise<Availability> {
    const env = this.deps.config.env ?? process.env;
    this.known ??= (this.deps.probe ?? available)(env.PATH ?? PATH);
    const found = await this.known;
    if ("reason" in found) this.known = undefined;
    return found;
  }

  /** The place of a session. @throws NoSandbox for settings that cannot be */
  placeOf(context: Pick<ToolContext, "agentId" | "sessionKey" | "workspace">): Place {
    try {
      return this.places.of(context);
    } catch (error) {
      if (error instanceof BindRefused) throw new NoSandbox(error.message);
      throw error;
    }
  }

  /** False when the configuration lets the sandbox only read the workspace: then file tools write nothing. */
  mayWrite({ isSandboxed, agentId }: Pick<ToolSubject, "isSandboxed" | "agentId">): boolean {
    return !isSandboxed || this.places.settingsOf(agentId).workspaceAccess !== "ro";
  }

  /** Whether the files of a session's tools are those of the agent's workspace, at least to read. */
  seesWorkspace({ isSandboxed, agentId }: Pick<ToolSubject, "isSandboxed" | "agentId">): boolean {
    const { workspaceAccess } = this.places.settingsOf(agentId);
    return !isSandboxed || workspaceAccess === "ro" || workspaceAccess === "rw";
  }

  /**
   * The command line that runs a command in the session's sandbox.
   * @returns `cwd` within, and where that folder is on this machine (null for one of the sandbox's own)
   * @throws NoSandbox
   */
  async launch(
    context: Pick<ToolContext, "agentId" | "sessionKey" | "workspace">,
    { command, workdir, variables, pathPrepend }: SandboxCommand,
  ): Promise<{ argv: string[]; cwd: string; outside: string | null }> {
    const place = this.placeOf(context);
    const { settings, mounts } = place;
    if (ELSEWHERE.has(settings.backend)) {
      throw new NoSandbox(`sandbox backend "${settings.backend}" is not available in this gateway`);
    }
    const found = await this.availability();
    if ("reason" in found) throw new NoSandbox(`this session needs a sandbox, and there is none: ${found.reason}`);
    const { path: cwd, outside } = inside(place, workdir);
    const env = {
      HOME: INSIDE,
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      USER: "sandbox",
      ...settings.env,
      ...variables,
      PATH: [...pathPrepend, settings.env.PATH ?? PATH].join(":"),
      PWD: cwd,
      OPENCLAW_SHELL: "exec",
    };
    const { hasNetwork } = settings;
    const argv = ["/bin/sh", "-c", command];
    return { argv: confine(found.program, { argv, cwd, env, mounts, hasNetwork }), cwd, outside };
  }

  /** Says in the log when agents are configured to run in sandboxes and there can be none. */
  async report(): Promise<void> {
    const { config, log } = this.deps;
    if (!wantsSandbox(config.current)) return;
    const found = await this.availability();
    if ("reason" in found) log.warn("sandboxed sessions can run no command", { reason: found.reason });
  }
}

/** True when a configured agent, or all of them, run some sessions in a sandbox. */
function wantsSandbox(config: object): boolean {
  const { defaults, entries, list } = dict((config as Record<string, unknown>).agents);
  const agents = [defaults, ...Object.values(dict(entries)), ...(Array.isArray(list) ? list : [])];
  return agents.some((agent) => ["all", "non-main"].includes(text(dict(dict(agent).sandbox).mode) ?? "off"));
}
