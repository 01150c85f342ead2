import { dict, text } from "../../models/settings.ts";

/** How the sessions of an agent that run in a sandbox do so (docs: gateway/sandboxing). */
export interface SandboxSettings {
  /** Who shares a private workspace. */
  scope: "agent" | "session" | "shared";
  /** What the sandbox sees of the agent's own workspace. */
  workspaceAccess: "none" | "ro" | "rw";
  /** Where private workspaces lie; undefined for the usual place. */
  workspaceRoot?: string;
  backend: string;
  hasNetwork: boolean;
  env: Record<string, string>;
  /** `source:target:mode`, of all agents first. */
  binds: string[];
  allowsReservedTargets: boolean;
  allowsExternalSources: boolean;
}

/** @param agent the agent's entry of the configuration, as written */
export function sandboxSettings(config: object, agent: Record<string, unknown> | undefined): SandboxSettings {
  const all = dict(dict(dict((config as Record<string, unknown>).agents).defaults).sandbox);
  const own = dict(agent?.sandbox);
  const scope = one(["agent", "session", "shared"], own.scope, all.scope);
  // What everybody shares is not for one agent to change.
  const docker = scope === "shared" ? dict(all.docker) : { ...dict(all.docker), ...dict(own.docker) };
  const ownBinds = scope === "shared" ? [] : strings(dict(own.docker).binds);
  return {
    scope,
    workspaceAccess: one(["none", "ro", "rw"], own.workspaceAccess, all.workspaceAccess),
    workspaceRoot: text(own.workspaceRoot) ?? text(all.workspaceRoot),
    backend: text(own.backend) ?? text(all.backend) ?? "",
    hasNetwork: (text(docker.network) ?? "none") !== "none",
    env: Object.fromEntries(
      Object.entries(dict(docker.env)).filter(([, value]) => typeof value === "string"),
    ) as Record<string, string>,
    binds: [...strings(dict(all.docker).binds), ...ownBinds],
    allowsReservedTargets: docker.dangerouslyAllowReservedContainerTargets === true,
    allowsExternalSources: docker.dangerouslyAllowExternalBindSources === true,
  };
}

/** The first of the values that is one of the words, else the first word. */
const one = <T extends string>(words: readonly T[], ...values: unknown[]): T =>
  (values.find((value) => (words as readonly unknown[]).includes(value)) as T | undefined) ?? words[0]!;

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
