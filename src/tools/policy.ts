import { TOOL_ALIASES, TOOL_ENTRIES, TOOL_GRANTS } from "../../generated/tools.ts";
import { dict, text } from "../models/settings.ts";
import type { ToolSubject } from "./types.ts";

/** What stands for all tools of MCP servers in a policy. */
const ALL_SERVERS = "bundle-mcp";

/** What one level of configuration says about tools. */
interface Rule {
  profile?: string;
  allow?: string[];
  alsoAllow?: string[];
  deny?: string[];
}

/** What the levels leave of the tools. */
export interface Granted {
  /** Names, in the order in which they were given. */
  names: string[];
  /** Whether some level lists what is allowed, so that an agent left without tools is a mistake and no choice. */
  isListed: boolean;
}

/** What subagents never have, at any depth (docs: tools/subagents, tool policy). */
const NOT_FOR_SUBAGENTS = [
  "gateway",
  "agents_list",
  "session_status",
  "progress_card",
  "automations",
  "message",
  "sessions_send",
  "conversations_*",
];
/** What a subagent loses that may not have subagents of its own. */
const NOT_FOR_LEAVES = ["subagents", "sessions_list", "sessions_history", "sessions_spawn"];
/** Upstream's default of `agents.defaults.subagents.maxSpawnDepth`. */
const MAX_SPAWN_DEPTH = 5;
/** What reaches beyond a sandbox, unless `tools.sandbox.tools` says otherwise. */
const NOT_IN_SANDBOX = [
  "browser",
  "canvas",
  "nodes",
  "computer",
  "mobile_ui",
  "automations",
  "gateway",
  "plugins",
  "openclaw",
];

/**
 * The tools of `names` that the configuration grants a subject (docs: tools/multi-agent-sandbox-tools). The levels are
 * asked in upstream's order: profile, the provider's profile, all agents, the provider, the agent, the agent's provider,
 * the sender, the group, sandbox, subagent, owner. None gives back what an earlier one took, and `deny` always wins.
 */
export function grantedTools(config: object, subject: ToolSubject, names: readonly string[]): Granted {
  const own = agentTools(config, subject.agentId);
  const all = section(config, "tools");
  const owner = subject.isOwner ? [] : OWNER_ONLY;
  let left = [...names];
  let isListed = false;
  for (const rule of [...profiles(all, own, subject), ...lists(config, all, own, subject), { deny: owner }]) {
    isListed ||= rule.allow !== undefined && rule.allow.length > 0;
    left = left.filter((name) => admits(rule, name));
  }
  if (subject.isSandboxed) left = left.filter((name) => !isServerTool(name) || leavesSandbox(own, all, name));
  const { inheritedTools } = subject;
  if (inheritedTools) left = left.filter((name) => inheritedTools.some((entry) => matches(entry, name)));
  return { names: left, isListed };
}

/** Whether a name is that of an MCP server's tool: `<server>__<tool>`. */
export const isServerTool = (name: string): boolean =>
  name.includes("__") && !TOOL_ENTRIES.some((tool) => tool.name === name);

/** Whether a subject may use no tool of a server, so that it need not be started (docs: cli/mcp/registry). */
export function deniesServer(config: object, subject: ToolSubject, server: string): boolean {
  const own = agentTools(config, subject.agentId);
  const all = section(config, "tools");
  const prefix = `${server.replace(/[^A-Za-z0-9_-]/g, "-")}__`;
  const isWhole = (entry: string): boolean => entry.trim().endsWith("*") && matches(entry, prefix);
  const reachesIt = (entries: readonly string[] | undefined): boolean =>
    entries === undefined || entries.length === 0 || entries.some((entry) => reaches(entry, prefix));
  if (subject.isSandboxed && !sandboxWords(own, all).some((entry) => reaches(entry, prefix))) return true;
  if (subject.inheritedTools && !subject.inheritedTools.some((entry) => reaches(entry, prefix))) return true;
  const rules = [...profiles(all, own, subject), ...lists(config, all, own, subject)];
  return rules.some(
    ({ profile, allow, alsoAllow, deny }) =>
      deny?.some((entry) => meansAllServers(entry) || isWhole(entry)) === true ||
      !reachesIt(profile === undefined ? allow : alsoAllow),
  );
}

/** The profile in force for an agent: its own, else that of all, else `full`. */
export function profileOf(config: object, agentId: string): string {
  return text(agentTools(config, agentId).profile) ?? text(section(config, "tools").profile) ?? "full";
}

/** Whether `alsoAllow` of the agent, else of all, names a tool beside its profile. */
export function grantsBeyondProfile(config: object, agentId: string, name: string): boolean {
  const own = agentTools(config, agentId).alsoAllow;
  return namesTool(own ?? section(config, "tools").alsoAllow, name);
}

/** How deep subagents may have subagents: 1 to 5. */
export function maxSpawnDepth(config: object, agentId: string): number {
  const defaults = dict(dict(section(config, "agents").defaults).subagents).maxSpawnDepth;
  const depth = dict(agentEntry(config, agentId).subagents).maxSpawnDepth ?? defaults;
  return typeof depth === "number" ? Math.min(Math.max(Math.trunc(depth), 1), MAX_SPAWN_DEPTH) : MAX_SPAWN_DEPTH;
}

/** Whether a list of the configuration names the tool, by any name, group or pattern. */
export const namesTool = (entries: unknown, name: string): boolean =>
  list(entries)?.some((entry) => matches(entry, name)) === true;

/** A tool's own name for any name that it is called by. */
export function toolName(name: string): string {
  const plain = name.trim().toLowerCase();
  return Object.hasOwn(TOOL_ALIASES, plain) ? TOOL_ALIASES[plain]! : plain;
}

const OWNER_ONLY = TOOL_ENTRIES.filter((tool) => tool.ownerOnly).map(({ name }) => name);

/** The profiles as rules. `alsoAllow` widens the profile of the same place. */
function profiles(all: Raw, own: Raw, subject: ToolSubject): Rule[] {
  const provider = [forProvider(own, subject), forProvider(all, subject)];
  const base = profileRule(text(own.profile) ?? text(all.profile), list(own.alsoAllow) ?? list(all.alsoAllow));
  const narrowed = provider.find((rule) => text(rule.profile) !== undefined) ?? {};
  return [base, profileRule(text(narrowed.profile), list(narrowed.alsoAllow))];
}

function profileRule(profile: string | undefined, also: string[] = []): Rule {
  if (profile === undefined || profile === "full") return {};
  const members = TOOL_ENTRIES.filter((tool) => tool.profiles.includes(profile)).map(({ name }) => name);
  const servers = profile === "coding" || profile === "messaging" ? [ALL_SERVERS] : [];
  return { profile, alsoAllow: [...members, ...servers, ...also] };
}

function lists(config: object, all: Raw, own: Raw, subject: ToolSubject): Rule[] {
  return [
    rule(all),
    rule(forProvider(all, subject)),
    rule(own),
    rule(forProvider(own, subject)),
    rule(forSender(own, subject) ?? forSender(all, subject) ?? {}),
    rule(forGroup(config, subject)),
    ...(subject.isSandboxed ? [sandboxRule(dict(dict(own.sandbox).tools), dict(dict(all.sandbox).tools))] : []),
    ...(subject.subagentDepth > 0 ? subagentRules(config, all, subject) : []),
  ];
}

/** `anthropic/claude-x` before `anthropic`. */
function forProvider({ byProvider }: Raw, { provider, model }: ToolSubject): Raw {
  const rules = dict(byProvider);
  if (provider === undefined) return {};
  return dict((model === undefined ? undefined : rules[`${provider}/${model}`]) ?? rules[provider]);
}

/** The rule for who sent the turn's message; the most telling name of the sender decides. */
function forSender({ toolsBySender }: Raw, { channel, senderId }: ToolSubject): Raw | undefined {
  const rules = dict(toolsBySender);
  const keys = senderId === undefined ? [] : [`channel:${channel}:${senderId}`, `id:${senderId}`, senderId];
  const found = [...keys, "*"].find((key) => Object.hasOwn(rules, key));
  return found === undefined ? undefined : dict(rules[found]);
}

/** The rule of the group that the session belongs to: `channels.<channel>.groups.<id>.tools`. */
function forGroup(config: object, { sessionKey }: ToolSubject): Raw {
  const [, channel, id] = /^agent:[^:]+:([^:]+):(?:group|channel):(.+?)(?::thread:.+)?$/s.exec(sessionKey) ?? [];
  if (channel === undefined || id === undefined) return {};
  const groups = dict(dict(section(config, "channels")[channel]).groups);
  return dict(dict(groups[id] ?? groups["*"]).tools);
}

/** An agent's own rule stands in the place of that of all. */
function sandboxRule(own: Raw, all: Raw): Rule {
  const given = Object.keys(own).length > 0 ? own : all;
  const also = list(given.alsoAllow) ?? [];
  const deny = list(given.deny) ?? NOT_IN_SANDBOX.filter((name) => !also.some((entry) => matches(entry, name)));
  const allow = list(given.allow);
  return { deny, ...(allow && allow.length > 0 ? { allow: [...allow, ...also] } : {}) };
}

/** A server's tools act outside a sandbox, so that it takes a word for them (docs: gateway/config-tools/tool-policy). */
const leavesSandbox = (own: Raw, all: Raw, name: string): boolean =>
  sandboxWords(own, all).some((entry) => matches(entry, name));

/** What the sandbox's own rule names as allowed. */
function sandboxWords(own: Raw, all: Raw): string[] {
  const tools = dict(dict(own.sandbox).tools);
  const given = Object.keys(tools).length > 0 ? tools : dict(dict(all.sandbox).tools);
  return [...(list(given.allow) ?? []), ...(list(given.alsoAllow) ?? [])];
}

const meansAllServers = (entry: string): boolean => [ALL_SERVERS, "*", "group:plugins"].includes(toolName(entry));

/** Whether an entry could mean some tool of a server. */
const reaches = (entry: string, prefix: string): boolean =>
  meansAllServers(entry) || toolName(entry).startsWith(prefix.toLowerCase()) || matches(entry, prefix);

function subagentRules(config: object, all: Raw, { agentId, subagentDepth }: ToolSubject): Rule[] {
  const isLeaf = subagentDepth >= maxSpawnDepth(config, agentId);
  return [{ deny: [...NOT_FOR_SUBAGENTS, ...(isLeaf ? NOT_FOR_LEAVES : [])] }, rule(dict(dict(all.subagents).tools))];
}

type Raw = Record<string, unknown>;

const section = (config: object, name: string): Raw => dict((config as Raw)[name]);

function agentEntry(config: object, agentId: string): Raw {
  const agents = section(config, "agents");
  const entries = dict(agents.entries);
  if (Object.hasOwn(entries, agentId)) return dict(entries[agentId]);
  const listed = Array.isArray(agents.list) ? agents.list : [];
  return dict(listed.find((raw) => dict(raw).id === agentId));
}

const agentTools = (config: object, agentId: string): Raw => dict(agentEntry(config, agentId).tools);

const rule = (raw: Raw): Rule => ({ allow: list(raw.allow), deny: list(raw.deny) });

const list = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : undefined;

function admits({ profile, allow, alsoAllow, deny }: Rule, name: string): boolean {
  if (deny?.some((entry) => matches(entry, name))) return false;
  const listed = profile === undefined ? allow : alsoAllow;
  if (listed === undefined || listed.length === 0) return true;
  return listed.some((entry) => matches(entry, name) || grants(entry, name));
}

/** Whether an entry of a list means the tool: its name or another name of it, `group:x`, or a pattern with `*`. */
function matches(entry: string, name: string): boolean {
  const wanted = toolName(entry);
  const own = name.toLowerCase();
  if (wanted === own || wanted === "*") return true;
  if (wanted === ALL_SERVERS) return isServerTool(name);
  if (wanted.startsWith("group:")) return inGroup(wanted.slice("group:".length), name);
  return wanted.includes("*") && asPattern(wanted).test(own);
}

/** What a level allows brings with it what could be done by it anyway: who may run commands may apply a patch. */
function grants(entry: string, name: string): boolean {
  return Object.entries(TOOL_GRANTS).some(([granting, granted]) => granted.includes(name) && matches(entry, granting));
}

function inGroup(group: string, name: string): boolean {
  const entry = TOOL_ENTRIES.find((tool) => tool.name === name);
  // What the catalogue does not know comes from a server or a plugin.
  if (entry === undefined) return group === "plugins";
  return group === "openclaw" ? !entry.primitive : entry.group === group;
}

const patterns = new Map<string, RegExp>();
const MOST_PATTERNS = 500;

/** Linear in the length of the name: `*` alone is special, and names are short. */
function asPattern(glob: string): RegExp {
  let known = patterns.get(glob);
  if (known === undefined) {
    const parts = glob.split(/\*+/).map((part) => part.replace(/[^\w-]/g, "\\$&"));
    known = new RegExp(`^${parts.join(".*")}$`);
    if (patterns.size >= MOST_PATTERNS) patterns.clear();
    patterns.set(glob, known);
  }
  return known;
}
