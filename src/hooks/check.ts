import type { GatewayConfig } from "../../generated/config.ts";
import { hooksPath, mappingsOf, prefixesOf } from "./settings.ts";
import { isTemplate } from "./template.ts";

/** What is wrong with `hooks` of a configuration, by key. */
export interface HooksProblem {
  path: (string | number)[];
  reason: string;
  hint?: string;
}

/**
 * Rules of `hooks` that the types of its keys do not say. Each of them stops the start and refuses a write: a route that
 * others reach must not open with half a guard. (Docs: gateway/config-hooks; upstream only warns of a shared secret.)
 */
export function hooksProblems(config: GatewayConfig): HooksProblem[] {
  const { hooks } = config;
  if (hooks === undefined) return [];
  const problems = (hooks.mappings ?? []).flatMap(transformProblems);
  if (hooks.enabled !== true) return problems;
  return [...problems, ...secretProblems(config), ...sessionProblems(hooks), ...mappingProblems(hooks)];
}

type Hooks = NonNullable<GatewayConfig["hooks"]>;

function secretProblems({ hooks, gateway }: GatewayConfig): HooksProblem[] {
  const { token, signing, path } = hooks!;
  const problems: HooksProblem[] = [];
  if (isBlank(token) && isBlank(signing?.secret)) {
    problems.push({
      path: ["hooks", "token"],
      reason: "hooks.enabled requires hooks.token",
      hint: "or hooks.signing.secret",
    });
  }
  const ofGateway = new Set([gateway.auth.token, gateway.auth.password].filter((secret) => !isBlank(secret)));
  for (const [key, secret] of [
    ["token", token],
    ["signing", signing?.secret],
  ] as const) {
    if (typeof secret !== "string" || !ofGateway.has(secret)) continue;
    const reason = "is the gateway's own secret; who may call a hook must not thereby be let into the gateway";
    problems.push({
      path: key === "token" ? ["hooks", key] : ["hooks", key, "secret"],
      reason,
      hint: "choose another one",
    });
  }
  if (hooksPath(path) === "/") problems.push({ path: ["hooks", "path"], reason: "hooks.path may not be '/'" });
  return problems;
}

function sessionProblems(hooks: Hooks): HooksProblem[] {
  const prefixes = prefixesOf(hooks);
  if (prefixes.length === 0) return [];
  const path = ["hooks", "allowedSessionKeyPrefixes"];
  const key = hooks.defaultSessionKey?.trim().toLowerCase();
  if (key && !prefixes.some((prefix) => key.startsWith(prefix))) {
    return [
      {
        path: ["hooks", "defaultSessionKey"],
        reason: "hooks.defaultSessionKey must match hooks.allowedSessionKeyPrefixes",
      },
    ];
  }
  if (!key && !prefixes.some((prefix) => "hook:".startsWith(prefix))) {
    return [{ path, reason: "must include 'hook:' when hooks.defaultSessionKey is unset" }];
  }
  return [];
}

function mappingProblems(hooks: Hooks): HooksProblem[] {
  const prefixes = prefixesOf(hooks);
  return mappingsOf(hooks).flatMap((mapping, index) => {
    const isPreset = index >= (hooks.mappings?.length ?? 0);
    const at = isPreset ? ["hooks", "presets"] : ["hooks", "mappings", index];
    const key = isPreset ? at : [...at, "sessionKey"];
    const { sessionKey, sessionMode, forEach } = mapping;
    const problems: HooksProblem[] = [];
    if (sessionKey !== undefined && isTemplate(sessionKey)) {
      const reason = "hooks.allowedSessionKeyPrefixes is required when a hook mapping sessionKey uses templates";
      if (prefixes.length === 0) problems.push({ path: key, reason });
    } else if (sessionKey !== undefined && prefixes.length > 0) {
      const fits = prefixes.some((prefix) => sessionKey.toLowerCase().startsWith(prefix));
      if (!fits) problems.push({ path: key, reason: `must start with one of: ${prefixes.join(", ")}` });
    }
    if (sessionMode === "persistent" && sessionKey === undefined && !hooks.defaultSessionKey?.trim()) {
      problems.push({ path: key, reason: "persistent hook mappings require sessionKey or hooks.defaultSessionKey" });
    }
    if (forEach !== undefined && !PLAIN_KEY.test(forEach)) {
      problems.push({ path: [...at, "forEach"], reason: "must be one key of the payload, without dots" });
    }
    return problems;
  });
}

/** Modules are code of others; this executable runs none (KNOWN_ATTACKS 67). Templates do what most of them did. */
function transformProblems({ transform }: NonNullable<Hooks["mappings"]>[number], index: number): HooksProblem[] {
  if (transform?.module === undefined) return [];
  const reason = "names a module of code, and this gateway runs none";
  const hint = "say it with messageTemplate, textTemplate and forEach";
  return [{ path: ["hooks", "mappings", index, "transform", "module"], reason, hint }];
}

const PLAIN_KEY = /^(?!__proto__$|constructor$|prototype$)[^.[\]]{1,200}$/;

/** A reference to a secret counts as one: whether it has a value is looked at when it is needed. */
const isBlank = (secret: unknown): boolean =>
  secret === undefined || (typeof secret === "string" && secret.trim() === "");
