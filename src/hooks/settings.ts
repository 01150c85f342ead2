import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import { isSet } from "../platform/secret-value.ts";

export type WakeMode = "now" | "next-heartbeat";

/** One of `hooks.mappings`: what a call of a path of its own becomes. */
export interface HookMapping {
  id: string;
  /** Subpath below the hooks path, without slashes around it; any when absent. */
  path?: string;
  /** What the payload's `source` must be. */
  source?: string;
  action: "wake" | "agent";
  wakeMode: WakeMode;
  name?: string;
  agentId?: string;
  sessionKey?: string;
  sessionMode: "isolated" | "persistent";
  messageTemplate: string;
  textTemplate: string;
  /** Key of a list in the payload: one action for each of its items. */
  forEach?: string;
  deliver: boolean;
  channel?: string;
  to?: string;
  model?: string;
  thinking?: string;
  timeoutSeconds?: number;
  unsafe: boolean;
}

/** The hooks that calls from outside reach, as configured. */
export interface HookSettings {
  /** With a leading slash and none at the end. */
  path: string;
  token?: string;
  /** Signed calls, beside or in place of the token. */
  signing?: { secret: string; toleranceMs: number };
  mappings: HookMapping[];
  defaultSessionKey?: string;
  allowRequestSessionKey: boolean;
  /** In lower case; empty for no restriction. */
  prefixes: string[];
  /** In lower case; null for any agent. */
  allowedAgentIds: ReadonlySet<string> | null;
  maxBodyBytes: number;
  /** Of the paths that mail comes by, whose batches are larger. */
  maxMailBytes: number;
}

type HooksConfig = NonNullable<GatewayConfig["hooks"]>;
type MappingConfig = NonNullable<HooksConfig["mappings"]>[number];

/** The subpath of the built-in mapping for mail. */
export const MAIL_PATH = "gmail";

/**
 * The hooks of a configuration; null when they are off, or when no secret that guards them has a value: without one
 * nobody could be told from anybody. (Docs: gateway/config-hooks.)
 */
export function hookSettings({ hooks }: GatewayConfig): HookSettings | null {
  if (hooks?.enabled !== true) return null;
  const token = isSet(hooks.token) ? hooks.token : undefined;
  const { secret, toleranceSeconds } = hooks.signing ?? {};
  if (token === undefined && !isSet(secret)) return null;
  const allowed = hooks.allowedAgentIds?.map((id) => id.trim().toLowerCase());
  const maxBodyBytes = Math.min(hooks.maxBodyBytes ?? LIMITS.hookBodyBytes, LIMITS.httpBodyBytes);
  return {
    path: hooksPath(hooks.path),
    token,
    ...(isSet(secret) && {
      signing: { secret, toleranceMs: toleranceSeconds === undefined ? LIMITS.hookSkewMs : toleranceSeconds * 1000 },
    }),
    mappings: mappingsOf(hooks),
    defaultSessionKey: trimmed(hooks.defaultSessionKey),
    allowRequestSessionKey: hooks.allowRequestSessionKey === true,
    prefixes: prefixesOf(hooks),
    allowedAgentIds: allowed === undefined || allowed.includes("*") ? null : new Set(allowed),
    maxBodyBytes,
    maxMailBytes: Math.max(maxBodyBytes, Math.min(mailBytes(hooks.gmail?.maxBytes), LIMITS.httpBodyBytes)),
  };
}

/** `/hooks` unless told; with one slash before it and none behind it. */
export function hooksPath(path: string | undefined): string {
  return `/${(path?.trim() || "/hooks").replace(/^\/+|\/+$/g, "")}`;
}

export const prefixesOf = ({ allowedSessionKeyPrefixes = [] }: HooksConfig): string[] =>
  allowedSessionKeyPrefixes.map((prefix) => prefix.trim().toLowerCase()).filter((prefix) => prefix !== "");

/** The mappings in order, those of presets last. */
export function mappingsOf(hooks: HooksConfig): HookMapping[] {
  const own = (hooks.mappings ?? []).map(mappingOf);
  return hooks.presets?.includes("gmail") ? [...own, mailMapping(hooks.gmail ?? {})] : own;
}

function mappingOf(raw: MappingConfig, index: number): HookMapping {
  const path = raw.match?.path?.trim().replace(/^\/+|\/+$/g, "");
  return {
    id: trimmed(raw.id) ?? `mapping-${index + 1}`,
    path: path || undefined,
    source: trimmed(raw.match?.source),
    action: raw.action === "wake" ? "wake" : "agent",
    wakeMode: raw.wakeMode === "next-heartbeat" ? "next-heartbeat" : "now",
    name: trimmed(raw.name),
    agentId: trimmed(raw.agentId),
    sessionKey: typeof raw.sessionKey === "string" ? trimmed(raw.sessionKey) : undefined,
    sessionMode: raw.sessionMode === "persistent" ? "persistent" : "isolated",
    messageTemplate: raw.messageTemplate ?? "",
    textTemplate: raw.textTemplate ?? "",
    forEach: trimmed(raw.forEach),
    deliver: raw.deliver !== false,
    channel: trimmed(raw.channel),
    to: trimmed(raw.to),
    model: trimmed(raw.model),
    thinking: trimmed(raw.thinking),
    timeoutSeconds: raw.timeoutSeconds,
    unsafe: raw.allowUnsafeExternalContent === true,
  };
}

/** A turn for each new mail, as the watcher of a mailbox reports them (docs: config-hooks, "Gmail integration"). */
function mailMapping(gmail: NonNullable<HooksConfig["gmail"]>): HookMapping {
  return {
    id: MAIL_PATH,
    path: MAIL_PATH,
    action: "agent",
    wakeMode: "now",
    name: "Gmail",
    sessionKey: "hook:gmail:{{messages[0].id}}",
    sessionMode: "isolated",
    messageTemplate:
      "A mail has come.\nFrom: {{messages[0].from}}\nSubject: {{messages[0].subject}}\n{{messages[0].snippet}}\n{{messages[0].body}}",
    textTemplate: "",
    forEach: "messages",
    deliver: true,
    model: trimmed(gmail.model),
    thinking: gmail.thinking,
    unsafe: gmail.allowUnsafeExternalContent === true,
  };
}

/** Upstream's allowance: a hundred mails of so many bytes, escaped, with what describes them. */
const mailBytes = (maxBytes = 20_000): number => 100 * (3 * maxBytes + 8192);

function trimmed(text: string | undefined): string | undefined {
  const value = text?.trim();
  return value === "" ? undefined : value;
}
