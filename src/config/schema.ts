import { type ConfigKey, configKeys } from "../../generated/config.ts";
import { CONFIG_HINTS, CONFIG_SETTINGS } from "../../generated/config-hints.ts";
import type { ConfigSchemaLookupResult, ConfigSchemaResponse } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { immutable } from "../platform/json.ts";
import { ENV_ID, PROVIDER } from "./secret-refs.ts";

type Schema = Record<string, unknown>;
type Hint = ConfigSchemaResponse["uiHints"][string];
type Child = ConfigSchemaLookupResult["children"][number];

/**
 * The config file as JSON schema (draft 7) with hints for a settings page (docs: gateway/configuration): every key has
 * `advanced`, secrets have `sensitive`, sections have their group and order. In the paths of the hints `*` stands for
 * the name of a map's entry and for an element of a list.
 * @param version of upstream's whose file it is
 * @param now epoch milliseconds
 */
export function configSchema(version: string, now: number): ConfigSchemaResponse {
  const known = made?.deref();
  if (known?.version === version) return known;
  const answer = immutable(makeSchema(version, now));
  made = new WeakRef(answer);
  return answer;
}

/** The last answer, with its text, as long as nothing needs the memory. */
let made: WeakRef<ConfigSchemaResponse> | undefined;

function makeSchema(version: string, now: number): ConfigSchemaResponse {
  const uiHints: Record<string, Hint> = {};
  collectHints(configKeys(), "", uiHints);
  const schema = { $schema: DRAFT, ...schemaOf(configKeys(), "", Number.POSITIVE_INFINITY), title: ROOT_TITLE };
  return { schema, uiHints, version, generatedAt: new Date(now).toISOString() };
}

/**
 * One key of the schema without what is below it, and its children in short. `path` has dots between keys, `*` or the
 * name for a map's entry, `[]`, `[0]` or the number for an element; `.` is the whole.
 * @throws GatewayError when there is no such key
 */
export function lookUpSchema(path: string): ConfigSchemaLookupResult {
  const steps =
    path === "."
      ? []
      : path
          .replaceAll("[]", ".*")
          .replace(/\[(\d+)\]/g, ".$1")
          .split(".");
  let place: Place = { key: configKeys(), path: "", pattern: "", reload: undefined };
  for (const step of steps) {
    const next = childrenOf(place, step).find(({ name }) => name === step);
    if (next === undefined) throw invalidRequest("config schema path not found");
    place = next;
  }
  const { properties: _, ...schema } = schemaOf(place.key, place.pattern, MAX_DEPTH);
  const isRoot = steps.length === 0;
  return {
    path: isRoot ? "." : place.path,
    schema: isRoot ? { $schema: DRAFT, ...schema, title: ROOT_TITLE } : schema,
    reloadKind: place.reload ?? (isRoot ? "restart" : "hot"),
    ...(!isRoot && { hint: hintOf(place.key, place.pattern), hintPath: place.pattern }),
    children: childrenOf(place).map(childSummary),
  };
}

const DRAFT = "http://json-schema.org/draft-07/schema#";
const ROOT_TITLE = "OpenClawConfig";
/** Levels that a looked up key shows of what is below it. */
const MAX_DEPTH = 6;

interface Place {
  key: ConfigKey;
  /** With the names that were asked for. */
  path: string;
  /** With `*` in their place. */
  pattern: string;
  reload: "hot" | "restart" | undefined;
}

/** @param asked the name to give to the entry of a map or the element of a list */
function childrenOf({ key, path, pattern, reload }: Place, asked = "*"): (Place & { name: string })[] {
  const below = (to: string, name: string): string => (to === "" ? name : `${to}.${name}`);
  const child = (inner: ConfigKey, name: string, wild: string): Place & { name: string } => {
    return { key: inner, path: below(path, name), pattern: below(pattern, wild), reload: inner.r ?? reload, name };
  };
  if (key.m) return [child(key.m, asked, "*")];
  if (key.i) return /^(\*|\d+)$/.test(asked) ? [child(key.i, asked, "*")] : [];
  return Object.entries(key.k ?? {})
    .filter(([name]) => !RETIRED.has(below(pattern, name)))
    .map(([name, inner]) => child(inner, name, name));
}

function childSummary({ key, path, pattern, reload, name }: Place & { name: string }): Child {
  const { type } = schemaOf(key, pattern, 0);
  return {
    key: name,
    path,
    ...(typeof type === "string" && { type }),
    required: false,
    hasChildren: hasChildren(key),
    reloadKind: reload ?? "hot",
    hint: hintOf(key, pattern),
    hintPath: pattern,
  };
}

const hasChildren = (key: ConfigKey): boolean =>
  ["object", "map", "list", "secret"].includes(key.t) || (key.o ?? []).some(hasChildren);

/** @param depth levels to go down; below them nothing is said */
function schemaOf(key: ConfigKey, path: string, depth: number): Schema {
  const { label, help } = textsOf(path);
  const titles = { ...(label !== undefined && { title: label }), ...(help !== undefined && { description: help }) };
  return { ...typeOf(key, path, depth), ...titles };
}

function typeOf(key: ConfigKey, path: string, depth: number): Schema {
  return { ...(key.d !== undefined && { default: key.d }), ...shapeOf(key, path, depth) };
}

function shapeOf(key: ConfigKey, path: string, depth: number): Schema {
  const inner = (child: ConfigKey, name: string): Schema => {
    return depth > 0 ? schemaOf(child, path === "" ? name : `${path}.${name}`, depth - 1) : {};
  };
  switch (key.t) {
    case "any":
      return {};
    case "secret":
      return { anyOf: [{ type: "string" }, { oneOf: REFERENCES }] };
    case "enum":
      return { anyOf: key.v!.map((choice) => ({ type: typeof choice, const: choice })) };
    case "integer":
    case "number":
      return {
        type: key.t,
        ...(key.min !== undefined && { minimum: key.min }),
        ...(key.max !== undefined && { maximum: key.max }),
      };
    case "list":
      return { type: "array", items: key.i ? inner(key.i, "*") : {} };
    case "map":
      return { type: "object", additionalProperties: key.m ? inner(key.m, "*") : {} };
    case "union":
      return { anyOf: key.o!.map((part) => (part.t === "enum" ? choices(part) : typeOf(part, path, depth))) };
    case "object": {
      const known = Object.entries(key.k ?? {}).filter(
        ([name]) => !RETIRED.has(path === "" ? name : `${path}.${name}`),
      );
      const properties = Object.fromEntries(known.map(([name, child]) => [name, inner(child, name)]));
      return { type: "object", properties, additionalProperties: key.x === 1 || key.k === undefined };
    }
    default:
      return { type: key.t };
  }
}

/** The values of an enum among other alternatives, as one: the page draws no control for alternatives in alternatives. */
function choices({ v = [] }: ConfigKey): Schema {
  const type = typeof v[0];
  return v.length === 1 ? { type, const: v[0] } : { type, enum: v };
}

/** What may stand in the place of a secret (docs: gateway/secrets/secretref-contract). */
const REFERENCES: Schema[] = ["env", "file", "exec", "store"].map((source) => ({
  type: "object",
  properties: {
    source: { type: "string", const: source },
    provider: { type: "string", pattern: PROVIDER.source },
    id: source === "env" || source === "store" ? { type: "string", pattern: ENV_ID.source } : { type: "string" },
  },
  additionalProperties: false,
}));

function collectHints(key: ConfigKey, path: string, out: Record<string, Hint>): void {
  if (path !== "") out[path] = hintOf(key, path);
  const below = (name: string): string => (path === "" ? name : `${path}.${name}`);
  for (const [name, child] of Object.entries(key.k ?? {})) {
    if (!RETIRED.has(below(name))) collectHints(child, below(name), out);
  }
  for (const child of [key.m, key.i]) if (child) collectHints(child, below("*"), out);
  for (const part of key.o ?? []) if (part.k || part.m) collectHints({ ...part, o: undefined }, path, out);
}

function hintOf(key: ConfigKey, path: string): Hint {
  const { label, help } = textsOf(path);
  const { group, order } = CONFIG_SETTINGS.sections[path] ?? {};
  return {
    ...(label !== undefined && { label }),
    ...(group !== undefined && { group, order }),
    ...(help !== undefined && { help }),
    advanced: isAdvanced(path),
    ...((key.t === "secret" || key.s === 1) && { sensitive: true }),
  };
}

const COMMON = new Set(CONFIG_SETTINGS.common);
const ADVANCED = new Set(CONFIG_SETTINGS.advanced);
const RETIRED = new Set(CONFIG_SETTINGS.retired);

/** An account of a channel has the keys of the channel itself. */
const plain = (path: string): string => path.replace(/^(channels\.[^.]+)\.accounts\.\*\./, "$1.");

function textsOf(path: string): { label?: string; help?: string } {
  const at = plain(path);
  const texts = CONFIG_HINTS[at.replaceAll(".*", "[]")] ?? CONFIG_HINTS[at] ?? {};
  const label = texts.label ?? shortLabel(at.slice(at.lastIndexOf(".") + 1));
  return label === undefined ? texts : { ...texts, label };
}

/** A label for a key with a short form in it, which a page that makes labels of keys would spell like a word. */
function shortLabel(name: string): string | undefined {
  const words = name.split(/(?=[A-Z])/);
  if (!words.some((word) => SHORT.has(word.toLowerCase()))) return undefined;
  return words
    .map((word) => SHORT.get(word.toLowerCase()) ?? word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join(" ");
}

const SHORT: ReadonlyMap<string, string> = new Map(
  [
    "ACP",
    "API",
    "CIDR",
    "CLI",
    "CPU",
    "DM",
    "HTTP",
    "ID",
    "IP",
    "MCP",
    "SSH",
    "SSRF",
    "TLS",
    "TTL",
    "TTS",
    "UI",
    "URL",
    "VNC",
  ].map((short) => [short.toLowerCase(), short] as const),
);

/** By the nearest key above, itself included, that the page says something about. */
function isAdvanced(path: string): boolean {
  for (let at = plain(path); at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("."), 0))) {
    if (COMMON.has(at)) return false;
    if (ADVANCED.has(at)) return true;
  }
  return true;
}
