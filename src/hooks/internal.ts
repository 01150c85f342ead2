import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { HooksStatusParams, HooksStatusResult } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import { invalidRequest } from "../platform/errors.ts";
import { binLookup, isConfigured, missingFor, type SkillSurroundings } from "../skills/eligibility.ts";
import { type FoundSkill, type SkillRoot, scanSkills } from "../skills/scan.ts";

interface InternalHooksDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
}

type HookStatus = HooksStatusResult["hooks"][number];

const HIDDEN = "[redacted]";
const FILE = "HOOK.md";
const WORKSPACE = "openclaw-workspace";
const HANDLERS = ["handler.ts", "handler.js", "handler.mjs", "index.ts", "index.js", "index.mjs"];

/** What upstream tells internal hooks of (docs: automation/hooks, "Event types"). */
const EVENTS: ReadonlySet<string> = new Set([
  "agent",
  "agent:bootstrap",
  "command",
  "command:new",
  "command:reset",
  "command:stop",
  "gateway",
  "gateway:pre-restart",
  "gateway:shutdown",
  "gateway:startup",
  "message",
  "message:preprocessed",
  "message:received",
  "message:sent",
  "message:transcribed",
  "session",
  "session:auto-reset",
  "session:compact:after",
  "session:compact:before",
  "session:patch",
]);

/** Modules of code are not run here, so that no hook is ever ready; why is said for each. */
const NOT_RUN = "hook modules are not run by this gateway";

/**
 * Internal hooks: folders with a `HOOK.md` and a module that upstream runs on its own events. This gateway runs no code of
 * others and brings none of its own; it tells which are there, what they need, and that they do nothing.
 */
export class InternalHooks {
  constructor(private readonly deps: InternalHooksDeps) {}

  /**
   * `hooks.status`.
   * @param complete where things lie, too, which is not for every reader (KNOWN_ATTACKS 39)
   * @throws GatewayError `unknown agent id "x"`
   */
  async status({ agentId }: HooksStatusParams, complete: boolean): Promise<HooksStatusResult> {
    const { agents } = this.deps;
    const agent = agents.asked(agentId);
    const found = await scanSkills(this.roots(agent.workspace));
    const around = this.surroundings(agent.workspace);
    const hooks = found.flatMap((hook) => this.describe(hook, around));
    if (complete) return { workspaceDir: agent.workspace, managedHooksDir: this.managedDir, hooks };
    const places = { filePath: HIDDEN, baseDir: HIDDEN, handlerPath: HIDDEN };
    return { workspaceDir: HIDDEN, managedHooksDir: HIDDEN, hooks: hooks.map((hook) => ({ ...hook, ...places })) };
  }

  private get managedDir(): string {
    return join(this.deps.config.stateDir, "hooks");
  }

  private get section() {
    return this.deps.config.current.hooks?.internal ?? {};
  }

  private roots(workspace: string): SkillRoot[] {
    const home = this.deps.config.env?.HOME || homedir();
    const extra = (this.section.load?.extraDirs ?? []).flatMap((path) => text(path)?.replace(/^~(?=$|\/)/, home) ?? []);
    return [
      ...extra.map((path) => ({ path, source: "openclaw-managed", mayLink: false, file: FILE })),
      { path: this.managedDir, source: "openclaw-managed", mayLink: false, file: FILE },
      { path: join(workspace, "hooks"), source: WORKSPACE, mayLink: false, file: FILE },
    ];
  }

  private surroundings(workspace: string): SkillSurroundings {
    const { current, env = process.env } = this.deps.config;
    return {
      platform: process.platform,
      config: { ...current, workspace: { dir: workspace } },
      hasBin: binLookup(env.PATH),
      hasEnv: (name) => Boolean(env[name]),
    };
  }

  /** Nothing for a folder without a module: that is no hook. */
  private describe(hook: FoundSkill, around: SkillSurroundings): HookStatus[] {
    const { name, description, skillKey, source, baseDir, emoji, homepage, always, events, requires } = hook;
    const handler = HANDLERS.find((file) => existsSync(join(baseDir, file)));
    if (handler === undefined) return [];
    const own = dict(dict(this.section.entries)[skillKey]);
    const missing = missingFor(hook, around);
    const enabledByConfig = source === WORKSPACE ? own.enabled === true : own.enabled !== false;
    const requirementsSatisfied = Object.values(missing).every((list) => list.length === 0);
    return [
      {
        name,
        description,
        source,
        filePath: join(baseDir, FILE),
        baseDir,
        handlerPath: join(baseDir, handler),
        hookKey: skillKey,
        ...(emoji === undefined ? {} : { emoji }),
        ...(homepage === undefined ? {} : { homepage }),
        events,
        unknownEvents: events.filter((event) => !EVENTS.has(event)),
        always,
        enabledByConfig,
        requirementsSatisfied,
        loadable: false,
        blockedReason: blockedReason({ source, enabledByConfig, requirementsSatisfied, own, events }),
        managedByPlugin: false,
        requirements: requires,
        missing,
        configChecks: requires.config.map((path) => ({ path, satisfied: isConfigured(around.config, path) })),
        install: [],
      },
    ];
  }
}

/** Upstream's words for what stops a hook there, too; else that it is not run here. */
function blockedReason(facts: {
  source: string;
  enabledByConfig: boolean;
  requirementsSatisfied: boolean;
  own: Record<string, unknown>;
  events: readonly string[];
}): string {
  const { source, enabledByConfig, requirementsSatisfied, own, events } = facts;
  if (!enabledByConfig) {
    return source === WORKSPACE && own.enabled === undefined
      ? "workspace hook (disabled by default)"
      : "disabled in config";
  }
  if (!requirementsSatisfied) return "missing requirements";
  return events.length === 0 ? "no events defined" : NOT_RUN;
}
