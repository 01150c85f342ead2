import type { GatewayConfig } from "../../generated/config.ts";
import { NODE_COMMANDS, type PlatformCommands } from "../../generated/node-commands.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Declaration, NodeSession, NodeSurface } from "./types.ts";

/** Which commands of a node may be used (docs: nodes/command-policy). Everything that is not named is refused. */

const DANGEROUS: ReadonlySet<string> = new Set(NODE_COMMANDS.dangerous);
const HOST: ReadonlySet<string> = new Set(NODE_COMMANDS.host);
const TALK: ReadonlySet<string> = new Set(NODE_COMMANDS.talk);
const ADMIN_APPROVAL: ReadonlySet<string> = new Set(NODE_COMMANDS.adminApproval);

/** `gateway.nodes.commands` of the configuration. */
export type CommandConfig = { allow?: readonly string[]; deny?: readonly string[] } | undefined;

export const commandConfig = (config: GatewayConfig): CommandConfig => config.gateway.nodes?.commands;

/**
 * The kind of a platform by its first word: `iOS 18.4` is `ios`. Only ASCII letters are folded, so that a look-alike
 * is an unknown platform (GHSA-r65x-2hqr-j5hf).
 */
export function platformKind(platform: string | undefined): string {
  const word = (platform ?? "")
    .trim()
    .split(/\s/)[0]!
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const known = Object.entries(NODE_COMMANDS.platforms).find(([, { names }]) => names.includes(word));
  return known?.[0] ?? "unknown";
}

const platformOf = (platform: string | undefined): PlatformCommands => NODE_COMMANDS.platforms[platformKind(platform)]!;

/** True when an approval may give the command to a node of that platform with that declaration. */
export function isApprovable(
  command: string,
  platform: string | undefined,
  declaration: Declaration,
  config: CommandConfig,
): boolean {
  if (config?.deny?.includes(command)) return false;
  if (config?.allow?.includes(command)) return true;
  const { commands, desktop } = platformOf(platform);
  if (commands.includes(command) || (desktop && HOST.has(command))) return true;
  return TALK.has(command) && hasTalk(declaration);
}

const hasTalk = ({ caps, commands }: Declaration): boolean =>
  caps.includes("talk") || commands.some((command) => command.startsWith("talk."));

/** The commands that the node declares, that were approved, and that the policy still allows. */
export function effectiveCommands(
  { declaration, facts }: NodeSession,
  surface: NodeSurface | null,
  config: CommandConfig,
): string[] {
  return (surface?.commands ?? []).filter(
    (command) => declaration.commands.includes(command) && isApprovable(command, facts.platform, declaration, config),
  );
}

/** Why a node may not be asked for a command. */
export interface CommandRefusal {
  reason: "command not allowlisted" | "command not declared by node";
  /** In words, with what would help. */
  why: string;
}

/** Null when the node may be asked; the reason that helps most otherwise: the policy's before the node's own. */
export function commandRefusal(command: string, session: NodeSession, config: CommandConfig): CommandRefusal | null {
  const { facts, surface, declaration } = session;
  const platform = facts.platform ?? "unknown";
  const isGranted = !HOST.has(command) || surface?.commands.includes(command) || config?.allow?.includes(command);
  if (!isGranted || !isApprovable(command, facts.platform, declaration, config)) {
    const isOptIn = DANGEROUS.has(command) && !config?.deny?.includes(command);
    const why = isOptIn
      ? `"${command}" requires explicit gateway.nodes.commands.allow opt-in`
      : `"${command}" is not in the allowlist for platform "${platform}"`;
    return { why, reason: "command not allowlisted" };
  }
  if (effectiveCommands(session, surface, config).includes(command)) return null;
  const why = `the node (platform: ${platform}) does not support "${command}"`;
  return { why, reason: "command not declared by node" };
}

/** Refuses a command that the node may not be asked for. @throws GatewayError `node command not allowed: ...` */
export function requireAllowed(command: string, session: NodeSession, config: CommandConfig): void {
  const refusal = commandRefusal(command, session, config);
  if (refusal === null) return;
  throw invalidRequest(`node command not allowed: ${refusal.why}`, { reason: refusal.reason, command });
}

/** What an operator must hold to approve a surface with these commands (docs: gateway/operator-scopes). */
export function requiredApproveScopes(commands: readonly string[]): string[] {
  if (commands.length === 0) return ["operator.pairing"];
  const isSensitive = commands.some((command) => ADMIN_APPROVAL.has(command));
  return ["operator.pairing", isSensitive ? "operator.admin" : "operator.write"];
}
