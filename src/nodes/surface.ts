import { LIMITS } from "../../generated/limits.ts";
import type { ConnectParams } from "../../generated/types.ts";
import { uuid } from "../platform/ids.ts";
import { type CommandConfig, isApprovable } from "./command-policy.ts";
import type { Declaration, NodeFacts, NodeState, NodeSurface, SurfaceRequest } from "./types.ts";

/** The rules that compare what a node declares with what was approved (docs: gateway/pairing). */

/** What a `connect` declares, bounded: names that are too long or too many are dropped. */
export function declarationOf({ caps, commands, permissions, pathEnv }: ConnectParams): Declaration {
  const granted = Object.entries(permissions ?? {}).filter(([name]) => isName(name));
  return {
    caps: names(caps),
    commands: names(commands),
    ...(granted.length > 0 && { permissions: Object.fromEntries(granted.slice(0, LIMITS.nodeDeclarationItems)) }),
    ...(pathEnv !== undefined && { pathEnv: pathEnv.slice(0, LIMITS.nodePathChars) }),
  };
}

const isName = (name: string): boolean => name.trim() !== "" && name.length <= LIMITS.nodeDeclarationChars;

function names(list: readonly string[] | undefined): string[] {
  const known = new Set((list ?? []).map((name) => name.trim()).filter(isName));
  return [...known].slice(0, LIMITS.nodeDeclarationItems);
}

export interface DeclaredNode {
  nodeId: string;
  facts: NodeFacts;
  declaration: Declaration;
  /** The device was paired without asking anybody. */
  silent: boolean;
}

/**
 * The request that the declaration needs, or null when the approved surface covers it. A request that waits for the
 * same surface is kept with the newest facts; otherwise a new one takes its place, so that nobody approves more than
 * they have seen. Commands that the policy refuses are not asked for.
 */
export function requestFor(
  { surface, request: waiting }: NodeState,
  { nodeId, facts, declaration, silent }: DeclaredNode,
  config: CommandConfig,
  now: number,
): SurfaceRequest | null {
  const { caps, permissions } = declaration;
  const commands = declaration.commands.filter((each) => isApprovable(each, facts.platform, declaration, config));
  const wanted = { caps, commands, ...(permissions !== undefined && { permissions }) };
  if (surface !== null && covers(surface, wanted)) return null;
  const isSame = waiting !== null && surfaceKey(waiting) === surfaceKey(wanted);
  return {
    requestId: isSame ? waiting.requestId : uuid(),
    nodeId,
    revision: uuid(),
    ...facts,
    ...wanted,
    ...(silent && surface === null && { silent: true }),
    ts: isSame ? waiting.ts : now,
  };
}

type Wanted = Pick<SurfaceRequest, "caps" | "commands" | "permissions">;

function covers(surface: NodeSurface, { caps, commands, permissions = {} }: Wanted): boolean {
  return (
    caps.every((cap) => surface.caps.includes(cap)) &&
    commands.every((command) => surface.commands.includes(command)) &&
    Object.entries(permissions).every(([name, granted]) => !granted || surface.permissions?.[name] === true)
  );
}

const surfaceKey = ({ caps, commands, permissions = {} }: Wanted): string =>
  JSON.stringify([[...caps].sort(), [...commands].sort(), Object.entries(permissions).sort()]);

/** The surface after an approval. The name that an operator gave stays. */
export function approved(request: SurfaceRequest, before: NodeSurface | null, now: number): NodeSurface {
  const { version, modelIdentifier, caps, commands, permissions } = request;
  return {
    ...before,
    displayName: before?.displayName ?? request.displayName,
    version,
    modelIdentifier,
    caps,
    commands,
    permissions,
    createdAtMs: before?.createdAtMs ?? now,
    approvedAtMs: now,
  };
}

/** Declared permissions as far as they were approved: a grant that nobody approved does not count. */
export function effectivePermissions(
  { permissions }: Declaration,
  surface: NodeSurface | null,
): Record<string, boolean> | undefined {
  if (permissions === undefined) return undefined;
  const known = Object.entries(permissions).flatMap(([name, granted]): [string, boolean][] => {
    if (!granted) return [[name, false]];
    const approval = surface?.permissions?.[name];
    return approval === undefined ? [] : [[name, approval]];
  });
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

export const effectiveCaps = ({ caps }: Declaration, surface: NodeSurface | null): string[] =>
  caps.filter((cap) => surface?.caps.includes(cap));
