import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isNode, LineCounter, parseDocument } from "yaml";

/** One key as `spec/config/*.yaml` describes it; the fields are explained in `spec/config/README.md`. */
interface SpecKey {
  type:
    | "string"
    | "integer"
    | "number"
    | "boolean"
    | "null"
    | "any"
    | "secret"
    | "enum"
    | "list"
    | "map"
    | "object"
    | "union";
  values?: unknown;
  items?: SpecKey;
  keys?: Record<string, SpecKey>;
  open?: boolean;
  of?: SpecKey[];
  min?: number;
  max?: number;
  default?: unknown;
  assumed?: unknown;
  common?: boolean;
  untyped?: boolean;
  accounts?: boolean;
  lenient?: boolean;
  shown?: boolean;
  derived?: boolean;
  secret?: boolean;
  enforce?: boolean;
  reload?: "hot" | "restart";
  label?: string;
  help?: string;
}

const FIELDS: Record<string, readonly string[]> = {
  enum: ["values"],
  list: ["items"],
  map: ["values"],
  object: ["keys", "open", "accounts", "untyped", "lenient"],
  union: ["of"],
  integer: ["min", "max"],
  number: ["min", "max"],
};
const COMMON_FIELDS = [
  ...["type", "default", "assumed", "shown", "derived", "secret", "enforce", "reload", "common", "label", "help"],
];
const PLAIN_TYPES = ["string", "boolean", "null", "any", "secret"];
const SECTION_FIELDS = ["section", "label", "help", "reload", "keys", "open", "untyped", "lenient", "folder", "is"];
const KEY_FILE_FIELDS = ["key", "label", "help", "accounts", "open", "keys"];

type Complain = (path: (string | number)[], reason: string) => void;

/** Reads one file and gives it with what notes its mistakes. Null when it is no YAML. */
function readFile(
  file: string,
  fields: readonly string[],
  problems: string[],
): { value: Record<string, unknown>; complain: Complain } | null {
  const lines = new LineCounter();
  const doc = parseDocument(readFileSync(file, "utf8"), { lineCounter: lines });
  const complain: Complain = (path, reason) => {
    const node = path.length > 0 ? doc.getIn(path, true) : doc.contents;
    const line = isNode(node) && node.range ? lines.linePos(node.range[0]).line : 1;
    problems.push(`${file}:${line}: ${reason}`);
  };
  for (const error of doc.errors) problems.push(`${file}:${error.linePos?.[0].line ?? 1}: ${error.message}`);
  if (doc.errors.length > 0) return null;
  const value = doc.toJS() as Record<string, unknown>;
  for (const field of Object.keys(value)) if (!fields.includes(field)) complain([field], `unknown field ${field}`);
  return { value, complain };
}

/** The keys of a section that have a file each. */
function readFolder(folder: string, problems: string[]): Record<string, SpecKey> {
  const keys: Record<string, SpecKey> = {};
  for (const name of readdirSync(folder).sort()) {
    const read = readFile(join(folder, name), KEY_FILE_FIELDS, problems);
    if (!read) continue;
    const { key, ...rest } = read.value as { key?: string } & Omit<SpecKey, "type">;
    if (key !== name.replace(/\.yaml$/, "")) read.complain([], "key: the name is missing, or not that of the file");
    else {
      keys[key] = { type: "object", ...rest };
      checkKey(keys[key], [], read.complain);
    }
  }
  return keys;
}

/** Reads and checks every section. Throws an error that names file, line and reason of each mistake. */
function readSections(folder: string): Record<string, SpecKey> {
  const sections: Record<string, SpecKey> = {};
  const problems: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".yaml")) continue;
    const read = readFile(join(folder, name), SECTION_FIELDS, problems);
    if (!read) continue;
    const { value: section, complain } = read;
    if (typeof section.section !== "string") complain([], "section: the name is missing");
    else {
      const { label, help, reload, keys, open, untyped, lenient } = section as unknown as SpecKey;
      const key = (section.is ?? { type: "object", keys, open, untyped, lenient }) as SpecKey;
      checkKey(key, section.is ? ["is"] : [], complain);
      if (typeof section.folder === "string") {
        key.keys = { ...key.keys, ...readFolder(join(folder, section.folder), problems) };
      }
      sections[section.section] = { ...key, label, help, reload };
    }
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return sections;
}

function checkKey(key: SpecKey, path: (string | number)[], complain: Complain) {
  if (typeof key !== "object" || key === null || typeof key.type !== "string")
    return complain(path, "a key needs a type");
  const own = FIELDS[key.type];
  if (!own && !PLAIN_TYPES.includes(key.type)) return complain([...path, "type"], `unknown type ${key.type}`);
  for (const field of Object.keys(key)) {
    if (path.length > 0 && !COMMON_FIELDS.includes(field) && !own?.includes(field)) {
      complain([...path, field], `${key.type} has no field ${field}`);
    }
  }
  if (key.type === "enum" && !Array.isArray(key.values)) complain(path, "enum needs values");
  if (key.type === "union" && !Array.isArray(key.of)) return complain(path, "union needs of");
  if (key.type === "map" && key.values) checkKey(key.values as SpecKey, [...path, "values"], complain);
  if (key.items) checkKey(key.items, [...path, "items"], complain);
  key.of?.forEach((part, index) => {
    checkKey(part, [...path, "of", index], complain);
  });
  for (const [name, child] of Object.entries(key.keys ?? {})) checkKey(child, [...path, "keys", name], complain);
}

/** True when the key is there in every loaded configuration: it, or something below it, has a default. */
const alwaysPresent = (key: SpecKey): boolean =>
  key.default !== undefined || key.derived === true || Object.values(key.keys ?? {}).some(alwaysPresent);

const quoteKey = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function typeText(key: SpecKey, indent: string): string {
  switch (key.type) {
    case "secret":
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
    case "null":
      return key.type;
    case "enum":
      return (key.values as unknown[]).map((value) => JSON.stringify(value)).join(" | ");
    case "list": {
      const item = key.items ? typeText(key.items, indent) : "unknown";
      return /[|{]/.test(item) ? `Array<${item}>` : `${item}[]`;
    }
    case "map":
      return `Record<string, ${key.values ? typeText(key.values as SpecKey, indent) : "unknown"}>`;
    case "union":
      return key.of!.map((part) => typeText(part, indent)).join(" | ");
    case "object":
      return key.keys && !key.untyped ? objectText(key.keys, indent) : "Record<string, unknown>";
    default:
      return "unknown";
  }
}

function objectText(keys: Record<string, SpecKey>, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(keys).map(([name, key]) => {
    const doc = key.help ? `${inner}/** ${key.help.replaceAll("*/", "*\\/")} */\n` : "";
    return `${doc}${inner}${quoteKey(name)}${alwaysPresent(key) ? "" : "?"}: ${typeText(key, inner)};`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function defaultsOf(key: SpecKey, shownOnly: boolean): unknown {
  if (key.default !== undefined) return shownOnly && !key.shown ? undefined : key.default;
  if (!key.keys) return undefined;
  const entries = Object.entries(key.keys)
    .map(([name, child]) => [name, defaultsOf(child, shownOnly)] as const)
    .filter(([, value]) => value !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** What the program needs of a key at run time, under one-letter names: the tree is large and is parsed at every start. */
function compact(key: SpecKey): Record<string, unknown> {
  const out: Record<string, unknown> = { t: key.type };
  if (key.type === "enum") out.v = key.values;
  if (key.type === "map" && key.values) out.m = compact(key.values as SpecKey);
  if (key.items) out.i = compact(key.items);
  if (key.of) out.o = key.of.map(compact);
  if (key.keys) out.k = Object.fromEntries(Object.entries(key.keys).map(([name, child]) => [name, compact(child)]));
  if (key.open) out.x = 1;
  if (key.accounts) out.a = 1;
  if (key.lenient) out.l = 1;
  const usual = key.default ?? key.assumed;
  if (usual !== undefined && typeof usual !== "object") out.d = usual;
  if (key.min !== undefined) out.min = key.min;
  if (key.max !== undefined) out.max = key.max;
  if (key.secret) out.s = 1;
  if (key.enforce) out.e = 1;
  if (key.reload) out.r = key.reload;
  return out;
}

/** Only what was written by hand: a label that is just the key in words is made where it is shown. */
function collectHints(path: string, key: SpecKey, out: Record<string, { label?: string; help?: string }>) {
  const { label, help } = key;
  if (label || help) out[path] = { ...(label ? { label } : {}), ...(help ? { help } : {}) };
  for (const [child, value] of Object.entries(key.keys ?? {})) collectHints(`${path}.${child}`, value, out);
  if (key.type === "map" && key.values) collectHints(`${path}.*`, key.values as SpecKey, out);
  if (key.items) collectHints(`${path}.*`, key.items, out);
  for (const part of key.of ?? []) collectHints(path, { ...part, label, help }, out);
}

/** Paths of the keys that are marked as those people look for. */
function commonPaths(key: SpecKey, path: string): string[] {
  const below = Object.entries(key.keys ?? {}).flatMap(([name, child]) =>
    commonPaths(child, path === "" ? name : `${path}.${name}`),
  );
  const inner = [key.type === "map" ? (key.values as SpecKey | undefined) : undefined, key.items].flatMap((each) =>
    each ? commonPaths(each, `${path}.*`) : [],
  );
  const parts = (key.of ?? []).flatMap((part) => commonPaths(part, path));
  return [...(key.common ? [path] : []), ...below, ...inner, ...parts];
}

const SETTINGS_LISTS = ["common", "advanced", "retired"] as const;

/** Reads how a settings page orders the keys. @throws Error that names every key there which does not exist */
function readSettings(file: string, root: SpecKey): Record<string, unknown> {
  const settings = parseDocument(readFileSync(file, "utf8")).toJS() as Record<string, unknown>;
  const named = [
    ...Object.keys(settings.sections as object),
    ...SETTINGS_LISTS.flatMap((list) => settings[list] as string[]),
  ];
  const strange = named.filter((path) => !hasPath(root, path.split(".")));
  if (strange.length > 0) throw new Error(`${file}: no such keys: ${strange.join(", ")}`);
  return { ...settings, common: [...(settings.common as string[]), ...commonPaths(root, "")] };
}

function hasPath(key: SpecKey, [step, ...rest]: string[]): boolean {
  if (step === undefined) return true;
  const inner =
    key.keys?.[step] ?? (step === "*" ? (key.items ?? (key.type === "map" ? key.values : undefined)) : undefined);
  if (inner && hasPath(inner as SpecKey, rest)) return true;
  return (key.of ?? []).some((part) => hasPath(part, [step, ...rest]));
}

const HEADER =
  "// Generated by scripts/codegen/config.ts from spec/config/*.yaml. Do not edit; run `bun run generate`.\n";

/** Texts of the generated config modules by path relative to the project. `specFolder` is `spec/config`. */
export function generateConfig(specFolder: string): Record<string, string> {
  const sections = readSections(specFolder);
  const root: SpecKey = { type: "object", keys: sections };
  const hints: Record<string, { label?: string; help?: string }> = {};
  for (const [name, key] of Object.entries(sections)) collectHints(name, key, hints);
  const config = `${HEADER}
/** A node of the key tree. t type, v values of an enum, m what a map holds, i what a list holds, o alternatives, k keys, x other keys too, s secret, e enforce, r reload class, d usual value, l nothing below is fatal, a the same keys again below \`accounts\`. */
export interface ConfigKey {
  t: ${[...PLAIN_TYPES, ...Object.keys(FIELDS)].map((type) => JSON.stringify(type)).join(" | ")};
  v?: readonly unknown[];
  m?: ConfigKey;
  i?: ConfigKey;
  o?: readonly ConfigKey[];
  k?: Readonly<Record<string, ConfigKey>>;
  x?: 1;
  min?: number;
  max?: number;
  s?: 1;
  e?: 1;
  r?: "hot" | "restart";
  d?: unknown;
  l?: 1;
  a?: 1;
}

/** The configuration in force: the file, with defaults filled in and references resolved. Unknown keys are there too, untyped. */
export interface GatewayConfig ${objectText(sections, "")}

/** What is in force when the file does not say otherwise. */
export const CONFIG_DEFAULTS = ${JSON.stringify(defaultsOf(root, false), null, 2)} as const;

/** The part of the defaults that \`config.get\` shows. */
export const CONFIG_SHOWN_DEFAULTS = ${JSON.stringify(defaultsOf(root, true), null, 2)} as const;

const TREE =
  ${JSON.stringify(JSON.stringify(compact(root)))};
let keys: ConfigKey | undefined;

/** The tree of all known keys, parsed at its first use. */
export function configKeys(): ConfigKey {
  keys ??= withAccounts(JSON.parse(TREE) as ConfigKey);
  return keys;
}

/** A channel has its keys once for itself and once for each of its accounts; the text holds them once. */
function withAccounts(root: ConfigKey): ConfigKey {
  const channels = root.k?.channels?.k as Record<string, ConfigKey> | undefined;
  for (const [name, { a, ...channel }] of Object.entries(channels ?? {})) {
    if (!a) continue;
    const accounts: ConfigKey = { t: "map", m: channel };
    channels![name] = { ...channel, k: { ...channel.k, defaultAccount: { t: "string" }, accounts } };
  }
  return root;
}
`;
  const settings = readSettings(join(specFolder, "../catalog/settings.yaml"), root);
  const hintText = `${HEADER}
/** Label and help of known keys by path; \`*\` stands for the name of a map's entry and for an element of a list. */
export const CONFIG_HINTS: Readonly<Record<string, { label?: string; help?: string }>> = ${JSON.stringify(hints, null, 2)};

/** How a settings page orders the keys, paths as above. */
export const CONFIG_SETTINGS: {
  sections: Readonly<Record<string, { group: string; order: number }>>;
  /** Keys that people look for, with all below them, and those below them that are advanced all the same. */
  common: readonly string[];
  advanced: readonly string[];
  /** Keys that are read and not offered. */
  retired: readonly string[];
} = ${JSON.stringify(settings, null, 2)};
`;
  return { "generated/config.ts": config, "generated/config-hints.ts": hintText };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generateConfig("spec/config"))) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
