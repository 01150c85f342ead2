import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { readTextFile } from "./file.ts";
import { isTree, parseJson5, type Tree } from "./json5.ts";
import { keyPlace } from "./locate.ts";
import { ConfigError, dotted } from "./problem.ts";

/** A file that the configuration was read from, and the key below which its content stands. */
export interface SourceFile {
  file: string;
  text: string;
  at: readonly (string | number)[];
}

type Path = readonly (string | number)[];

/** One `$include` and what it named. */
export interface IncludeUse {
  /** The key whose value it makes up. */
  path: Path;
  files: string[];
  /** True when it names a list of files, even of one. */
  isList: boolean;
  /** True when other keys stand beside it. */
  hasSiblings: boolean;
}

/** What reading the includes brings to light, also when it fails half-way. */
export interface IncludeTrace {
  /** Files read, the config file first. */
  sources: SourceFile[];
  uses: IncludeUse[];
  /** Every file that was looked for; a change of any may change the outcome. */
  looked: string[];
  /** Texts by path that are taken for what stands in those files. */
  drafts: ReadonlyMap<string, string>;
}

/**
 * Replaces every `$include` by the content of the files it names (docs: gateway/config-secrets-env). One file takes
 * the place of the object that names it; of several, each is merged over the ones before; keys beside `$include` win
 * over what is included. Paths count from the including file and must stay, links resolved, below the directory of
 * the config file or one of `roots`. `trace` is filled on the way.
 * @throws ConfigError
 */
export function resolveIncludes(root: Tree, source: SourceFile, roots: readonly string[], trace: IncludeTrace): Tree {
  const allowed = [dirname(source.file), ...roots].map((root) => realOrSame(root));
  const walk = (value: unknown, at: Path, from: SourceFile, chain: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...at, index], from, chain));
    if (!isTree(value)) return value;
    const own: Tree = {};
    for (const [key, child] of Object.entries(value)) {
      if (key !== "$include") own[key] = walk(child, [...at, key], from, chain);
    }
    if (value.$include === undefined) return own;

    const refuse = (reason: string): never => {
      const place = keyPlace(from.text, [...at.slice(from.at.length), "$include"]);
      throw new ConfigError([{ file: from.file, ...place, path: dotted([...at, "$include"]), reason }]);
    };
    const names = typeof value.$include === "string" ? [value.$include] : value.$include;
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
      return refuse("must be a path or a list of paths");
    }
    const use = { path: at, files: [] as string[], isList: Array.isArray(value.$include) };
    trace.uses.push({ ...use, hasSiblings: Object.keys(own).length > 0 });
    const contents = names.map((name) => {
      const file = locateFile(name, from.file, allowed, refuse);
      use.files.push(file);
      trace.looked.push(file);
      if (chain.includes(file)) return refuse(`${name} includes itself, directly or through others`);
      if (chain.length > LIMITS.configIncludeDepth) {
        return refuse(`includes are nested deeper than ${LIMITS.configIncludeDepth} files`);
      }
      const draft = trace.drafts.get(file);
      const read = draft === undefined ? readTextFile(file, LIMITS.configIncludeBytes) : { text: draft };
      if (read === null) return refuse(`${name} does not exist`);
      const included = { file, text: read.text, at };
      trace.sources.push(included);
      return walk(parseJson5(read.text, file), at, included, [...chain, file]);
    });
    if (contents.length === 1 && Object.keys(own).length === 0) return contents[0];
    const merged = contents.reduce<unknown>((all, next) => merge(all, next), {});
    if (Object.keys(own).length === 0) return merged;
    return isTree(merged) ? merge(merged, own) : refuse("stands beside other keys, so it must name files with objects");
  };
  return walk(root, [], source, [realOrSame(source.file)]) as Tree;
}

/** The real path of an included file. @throws whatever `refuse` throws when it may not be read */
function locateFile(name: string, from: string, allowed: readonly string[], refuse: (reason: string) => never): string {
  if (name.includes("\0")) refuse("must not contain a null byte");
  const wanted = resolve(dirname(from), name);
  if (name.length >= LIMITS.configIncludePathChars || wanted.length >= LIMITS.configIncludePathChars) {
    refuse(`must be shorter than ${LIMITS.configIncludePathChars} characters`);
  }
  const real = realOrSame(wanted, join(realOrSame(dirname(wanted)), basename(wanted)));
  if (!allowed.some((root) => isInside(real, root))) {
    refuse(`${name} is outside the directory of the config file; OPENCLAW_INCLUDE_ROOTS can allow its directory`);
  }
  return real;
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function realOrSame(path: string, otherwise = path): string {
  try {
    return realpathSync(path);
  } catch {
    return otherwise;
  }
}

/** Lays `over` on `base`: objects key by key, lists one after the other, anything else replaced. */
function merge(base: unknown, over: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(over)) return [...base, ...over];
  if (!isTree(base) || !isTree(over)) return over;
  const out: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) out[key] = key in base ? merge(base[key], value) : value;
  return out;
}
