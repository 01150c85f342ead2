import { isPlainVariable } from "../platform/steering-env.ts";
import { isTree, type Tree } from "./json5.ts";
import type { EnvMap } from "./paths.ts";

/** True for a variable that files may set. `fromOperator` also admits `OPENCLAW_*`, which only its own `.env` may set. */
export const maySet = (name: string, fromOperator: boolean): boolean =>
  isPlainVariable(name) && (fromOperator || !/^OPENCLAW_/i.test(name));

/**
 * Parses a `.env` file: `NAME=value`, `export NAME=value`, `#` comments, values in single quotes (as they are) or
 * double quotes (`\n`, `\r`, `\t`, `\"`, `\\`), several lines within quotes; without quotes a `#` begins a comment. Nothing is expanded (docs: help/environment).
 */
export function parseDotEnv(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(?:'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^#\n]*))[ \t]*(?:#.*)?$/gm;
  for (const [, name, single, double, bare] of text.replaceAll("\r\n", "\n").matchAll(line)) {
    const escaped = double?.replace(/\\([\s\S])/g, (_, char: string) => ESCAPES[char] ?? `\\${char}`);
    out[name!] = single ?? escaped ?? bare!.trim();
  }
  return out;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

/**
 * The variables that references see: those of the process, below them the state directory's `.env`, below them
 * `env.vars` of the config file. `refused` names what the two files may not set.
 */
export function layerEnvironment(
  process: EnvMap,
  dotEnv: Record<string, string>,
  configured: unknown,
): { env: EnvMap; refused: { dotEnv: string[]; config: string[] } } {
  const env: Record<string, string | undefined> = { ...process };
  const refused = { dotEnv: [] as string[], config: [] as string[] };
  const fill = (values: Tree, fromOperator: boolean, bad: string[]): void => {
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== "string") continue;
      if (!maySet(name, fromOperator)) bad.push(name);
      else if (!env[name]) env[name] = value;
    }
  };
  fill(dotEnv, true, refused.dotEnv);
  if (isTree(configured)) fill(configured, false, refused.config);
  return { env, refused };
}

type Path = readonly (string | number)[];

/**
 * Puts variables in place of `${NAME}` in every text of a tree; `$${NAME}` becomes the literal `${NAME}`. A name that
 * is unset or empty stays as it is written and is reported (docs: gateway/config-secrets-env).
 */
export function substitute(tree: Tree, env: EnvMap, unresolved: (path: Path, name: string) => void): Tree {
  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") {
      if (!value.includes("${")) return value;
      return value.replace(/(\$?)\$\{([A-Z_][A-Z0-9_]*)\}/g, (whole, dollar: string, name: string) => {
        if (dollar !== "") return `\${${name}}`;
        const found = env[name];
        if (found) return found;
        unresolved(path, name);
        return whole;
      });
    }
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (!isTree(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, walk(child, [...path, key])]));
  };
  return walk(tree, []) as Tree;
}
