import { dict, text } from "../../models/settings.ts";
import type { SessionToolSettings } from "../../sessions/types.ts";

export type ExecSecurity = "deny" | "allowlist" | "full";
export type ExecAsk = "off" | "on-miss" | "always";
export type ExecHost = "auto" | "sandbox" | "gateway" | "node";

/** What the configuration says of running commands, of all agents and of one (docs: tools/exec, Config). */
export interface ExecSettings {
  host: ExecHost;
  security: ExecSecurity;
  ask: ExecAsk;
  /** False when an administrator has let the session do everything: then the document of exec approvals is not asked. */
  obeysDocument: boolean;
  /** True for a session that may only read: it runs nothing, wherever. */
  isReadOnly: boolean;
  node?: string;
  /** The folder that commands begin in; undefined for the workspace. */
  cwd?: string;
  pathPrepend: string[];
  /** Milliseconds before a command goes on in the background. */
  backgroundMs: number;
  /** Seconds that a command may live; 0 is for ever. */
  timeoutSeconds: number;
  /** Milliseconds for which what a finished background command has said is kept. */
  cleanupMs: number;
  notifyOnExit: boolean;
  notifyOnExitEmptySuccess: boolean;
  /** Whether code given to an interpreter on its command line needs a person's agreement, whatever the policy. */
  strictInlineEval: boolean;
  /** Undefined for the usual ones. */
  safeBins?: string[];
  safeBinTrustedDirs: string[];
  safeBinProfiles: Record<string, Record<string, unknown>>;
}

/** What each mode means (docs: tools/exec, Modes). A reviewing model is not there: `auto` asks people, as `ask` does. */
const MODES: Readonly<Record<string, { security: ExecSecurity; ask: ExecAsk }>> = {
  deny: { security: "deny", ask: "off" },
  allowlist: { security: "allowlist", ask: "off" },
  ask: { security: "allowlist", ask: "on-miss" },
  auto: { security: "allowlist", ask: "on-miss" },
  full: { security: "full", ask: "off" },
};

const SECURITY: readonly unknown[] = ["deny", "allowlist", "full"];
const ASK: readonly unknown[] = ["off", "on-miss", "always"];
const HOSTS: readonly unknown[] = ["auto", "sandbox", "gateway", "node"];

const MIN_CLEANUP_MS = 60_000;
const MAX_CLEANUP_MS = 10_800_000;

/** @param agent the agent's entry of the configuration, as written; what it says goes before `tools.exec` */
export function execSettings(config: object, agent: Record<string, unknown> | undefined): ExecSettings {
  const general = dict(dict((config as Record<string, unknown>).tools).exec);
  const own = dict(dict(agent?.tools).exec);
  const all = { ...general, ...own };
  // A mode of the agent goes before older keys of all agents, and the reverse.
  const named = own.mode === undefined && (own.security !== undefined || own.ask !== undefined) ? own : all;
  const mode = MODES[String(named.mode)] ?? MODES.full!;
  return {
    host: HOSTS.includes(all.host) ? (all.host as ExecHost) : "auto",
    security: SECURITY.includes(named.security) ? (named.security as ExecSecurity) : mode.security,
    ask: ASK.includes(named.ask) ? (named.ask as ExecAsk) : mode.ask,
    obeysDocument: true,
    isReadOnly: false,
    node: text(all.node),
    pathPrepend: strings(all.pathPrepend) ?? [],
    backgroundMs: bounded(all.backgroundMs, 10, 120_000, 10_000),
    timeoutSeconds: bounded(all.timeoutSeconds, 0, Number.MAX_SAFE_INTEGER, 1800),
    cleanupMs: bounded(all.cleanupMs, MIN_CLEANUP_MS, MAX_CLEANUP_MS, 1_800_000),
    notifyOnExit: all.notifyOnExit !== false,
    notifyOnExitEmptySuccess: all.notifyOnExitEmptySuccess === true,
    strictInlineEval: all.strictInlineEval === true,
    safeBins: strings(all.safeBins),
    safeBinTrustedDirs: strings(all.safeBinTrustedDirs) ?? [],
    safeBinProfiles: {
      ...(dict(general.safeBinProfiles) as Record<string, Record<string, unknown>>),
      ...(dict(own.safeBinProfiles) as Record<string, Record<string, unknown>>),
    },
  };
}

/** What a session's permission mode means for commands; nobody but people reviews here (docs: gateway/permission-modes). */
const PERMISSIONS: Readonly<Record<string, keyof typeof MODES>> = {
  "read-only": "deny",
  guarded: "ask",
  workspace: "ask",
  full: "full",
};

/** The settings with what is fixed for the session: its permission mode in place of the configuration's policy. */
export function forSession(settings: ExecSettings, session: SessionToolSettings | undefined): ExecSettings {
  const { permissionMode, execHost, execNode, execCwd } = session ?? {};
  const mode = permissionMode === undefined ? undefined : MODES[PERMISSIONS[permissionMode] ?? "deny"]!;
  return {
    ...settings,
    ...mode,
    obeysDocument: permissionMode !== "full",
    isReadOnly: permissionMode === "read-only",
    ...(HOSTS.includes(execHost) && { host: execHost as ExecHost }),
    ...(text(execNode) !== undefined && { node: text(execNode) }),
    ...(text(execCwd) !== undefined && { cwd: text(execCwd) }),
  };
}

/** The stricter of two: what one policy refuses another one does not give. */
export const stricterSecurity = (a: ExecSecurity, b: ExecSecurity): ExecSecurity =>
  SECURITY.indexOf(a) < SECURITY.indexOf(b) ? a : b;

export const stricterAsk = (a: ExecAsk, b: ExecAsk): ExecAsk => (ASK.indexOf(a) > ASK.indexOf(b) ? a : b);

export const askOf = (value: unknown): ExecAsk | undefined => (ASK.includes(value) ? (value as ExecAsk) : undefined);

const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : undefined;

const bounded = (value: unknown, min: number, max: number, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : otherwise;
