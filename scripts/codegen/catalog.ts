import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import { SpecError } from "./spec-file.ts";

/** Where the catalogue is written by hand, and what is made of it. */
export const CATALOG_SPEC = "spec/catalog/providers.yaml";
export const CATALOG_MODULE = "generated/catalog.ts";

type Check = (value: unknown) => boolean;
interface Field {
  check: Check;
  /** What the value must be, for the refusal. */
  shape: string;
  required?: boolean;
}

const text: Check = (value) => typeof value === "string" && value.length > 0;
const flag: Check = (value) => typeof value === "boolean";
const tokens: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const price: Check = (value) => typeof value === "number" && value >= 0;
const oneOf =
  (...allowed: string[]): Check =>
  (value) =>
    allowed.includes(value as string);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every(check);

const APIS = ["openai-completions", "openai-responses", "anthropic-messages", "google-generative-ai", "ollama"];

const PROVIDER: Record<string, Field> = {
  name: { check: text, shape: "a name", required: true },
  aliases: { check: listOf((v) => /^[a-z0-9.-]+$/.test(String(v))), shape: "a list of lower-case ids" },
  baseUrl: {
    check: (v) => URL.canParse(String(v)) && !String(v).endsWith("/"),
    shape: "a URL without trailing slash",
    required: true,
  },
  api: {
    check: oneOf(...APIS),
    shape: `one of ${APIS.join(", ")}`,
    required: true,
  },
  keyEnv: { check: listOf((v) => /^[A-Z][A-Z0-9_]*$/.test(String(v))), shape: "a list of environment variable names" },
  local: { check: (v) => typeof v === "object" && v !== null, shape: "a map" },
  models: { check: Array.isArray, shape: "a list" },
};
const LOCAL: Record<string, Field> = {
  port: { check: (v) => tokens(v) && (v as number) < 65536, shape: "a port number", required: true },
  list: { check: oneOf("openai", "ollama"), shape: "openai or ollama", required: true },
  discover: { check: flag, shape: "true or false", required: true },
};
const MODEL: Record<string, Field> = {
  id: { check: text, shape: "a model id", required: true },
  name: { check: text, shape: "a name", required: true },
  aliases: { check: listOf((v) => /^[a-z0-9.-]+$/.test(String(v))), shape: "a list of lower-case names" },
  reasoning: { check: flag, shape: "true or false" },
  input: { check: listOf(oneOf("text", "image")), shape: "a list of text and image" },
  contextWindow: { check: tokens, shape: "a positive number of tokens" },
  maxTokens: { check: tokens, shape: "a positive number of tokens" },
  cost: { check: (v) => typeof v === "object" && v !== null, shape: "a map" },
};
const price4 = { check: price, shape: "dollars per million tokens", required: true } satisfies Field;
const COST: Record<string, Field> = { input: price4, output: price4, cacheRead: price4, cacheWrite: price4 };

/**
 * The TypeScript module of the provider catalogue.
 * @param source text of `spec/catalog/providers.yaml`
 * @throws SpecError when an entry is wrong
 */
export function catalogModule(source: string, file = CATALOG_SPEC): string {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const refuse = (node: Node | null | undefined, reason: string): never => {
    const line = node?.range ? lines.linePos(node.range[0]).line : 1;
    throw new SpecError([{ file, line, reason }]);
  };
  const broken = document.errors[0];
  if (broken) throw new SpecError([{ file, line: broken.linePos?.[0].line ?? 1, reason: broken.message }]);

  const fields = (node: unknown, known: Record<string, Field>, where: string): YAMLMap => {
    if (!isMap(node)) return refuse(node as Node, `${where} must be a map`);
    for (const pair of node.items as Pair<Node, Node>[]) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      const field = known[key];
      if (!field) refuse(pair.key, `${where}: unknown key \`${key}\``);
      else if (!field.check(pair.value?.toJS(document))) refuse(pair.value, `${where}.${key} must be ${field.shape}`);
    }
    for (const [key, field] of Object.entries(known)) {
      if (field.required && !node.has(key)) refuse(node, `${where}: \`${key}\` is missing`);
    }
    return node;
  };

  const root = document.contents;
  const providers = isMap(root) ? root.get("providers", true) : undefined;
  if (!isMap(providers)) return refuse(root, "`providers` must be a map");
  const taken = new Set<string>();
  const shorthands = new Set<string>();
  for (const pair of providers.items as unknown as Pair<Node, Node>[]) {
    const id = isScalar(pair.key) ? String(pair.key.value) : "";
    const provider = fields(pair.value, PROVIDER, id);
    for (const name of [id, ...((document.toJS().providers[id].aliases as string[] | undefined) ?? [])]) {
      if (taken.has(name)) refuse(pair.key, `${name} is already the name of another provider`);
      taken.add(name);
    }
    if (provider.has("local")) fields(provider.get("local", true), LOCAL, `${id}.local`);
    const models = provider.get("models", true);
    const seen = new Set<string>();
    for (const model of isSeq(models) ? models.items : []) {
      const entry = fields(model, MODEL, `${id}.models`);
      const modelId = String(entry.get("id"));
      if (seen.has(modelId)) refuse(entry, `${id}: model ${modelId} is listed twice`);
      seen.add(modelId);
      const aliases = entry.get("aliases", true);
      for (const alias of isSeq(aliases) ? aliases.items : []) {
        const name = String(isScalar(alias) ? alias.value : alias);
        if (shorthands.has(name)) refuse(entry, `${name} is already the shorthand of another model`);
        shorthands.add(name);
      }
      if (entry.has("cost")) fields(entry.get("cost", true), COST, `${id}/${modelId}.cost`);
    }
  }
  return render(document.toJS().providers, file);
}

function render(providers: Record<string, unknown>, file: string): string {
  return `// Generated by scripts/codegen/catalog.ts from ${file}. Do not edit; run \`bun run generate\`.

/** A model that a provider is known to offer. */
export interface CatalogModel {
  readonly id: string;
  readonly name: string;
  /** Shorthands by which people may ask for it, alone or behind its provider. */
  readonly aliases?: readonly string[];
  readonly reasoning?: boolean;
  readonly input?: readonly ("text" | "image")[];
  /** Tokens. */
  readonly contextWindow?: number;
  /** Tokens of one answer. */
  readonly maxTokens?: number;
  /** US dollars per million tokens. */
  readonly cost?: { readonly input: number; readonly output: number; readonly cacheRead: number; readonly cacheWrite: number };
}

/** A provider that works without an entry in the configuration. */
export interface CatalogProvider {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly baseUrl: string;
  readonly api: ${APIS.map((api) => JSON.stringify(api)).join(" | ")};
  /** Environment variables that hold the API key, in order. */
  readonly keyEnv?: readonly string[];
  /** Present for servers on this machine: default port, and how they list their models. */
  readonly local?: { readonly port: number; readonly list: "openai" | "ollama"; readonly discover: boolean };
  readonly models?: readonly CatalogModel[];
}

export const PROVIDERS: Readonly<Record<string, CatalogProvider>> = ${JSON.stringify(providers, null, 2)};
`;
}
