import { join } from "node:path";
import { configKeys } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import { checkTree } from "./check.ts";
import { layerEnvironment, parseDotEnv, substitute } from "./environment.ts";
import { readTextFile } from "./file.ts";
import { type IncludeTrace, type IncludeUse, resolveIncludes, type SourceFile } from "./include.ts";
import { isTree, parseJson5, type Tree } from "./json5.ts";
import { keyPlace } from "./locate.ts";
import type { ConfigPaths, EnvMap } from "./paths.ts";
import { ConfigError, type ConfigProblem, dotted } from "./problem.ts";

/** The config file as it was read, before defaults. */
export interface ConfigSource {
  exists: boolean;
  /** Text of the file; empty without one. */
  text: string;
  /** The file and what it includes, in the order of reading. */
  files: SourceFile[];
  includes: IncludeUse[];
  /** The file alone, as written. */
  parsed: Tree;
  /** With the included files in place. */
  source: Tree;
  /** With variables in place of `${NAME}`. */
  resolved: Tree;
  /** The variables that references see. */
  env: EnvMap;
  /** Values that refer to a variable which is not set; the texts `${NAME}` are still there. Among the warnings, too. */
  unset: ConfigProblem[];
  /** Where a key stands, for what is found wrong with it later. */
  locate(path: readonly (string | number)[]): Pick<ConfigProblem, "file" | "line" | "column" | "path">;
  /** What is odd but does not stop the start. */
  warnings: ConfigProblem[];
}

type Path = readonly (string | number)[];

/** The state directory's file of variables. */
export const dotEnvFile = ({ stateDir }: ConfigPaths): string => join(stateDir, ".env");

/**
 * Reads the config file with its includes and checks it. Without a file everything is empty.
 * @param looked gets the path of every file that was looked for, also when reading fails
 * @param drafts texts by path that are taken for what stands in those files
 * @throws ConfigError naming file, line and reason of each thing that is wrong
 */
export function readSource(
  paths: ConfigPaths,
  env: EnvMap,
  looked: string[] = [],
  drafts: ReadonlyMap<string, string> = new Map(),
): ConfigSource {
  looked.push(paths.path, dotEnvFile(paths));
  const draft = drafts.get(paths.path);
  const read = draft === undefined ? readTextFile(paths.path, LIMITS.configFileBytes) : { text: draft };
  const text = read?.text ?? "";
  const parsed = read === null ? {} : parseRoot(text, paths.path);
  const root: SourceFile = { file: paths.path, text, at: [] };
  const files = read === null ? [] : [root];
  const trace: IncludeTrace = { sources: files, uses: [], looked, drafts };
  const source = resolveIncludes(parsed, root, paths.includeRoots, trace);

  const locate = (path: Path): Pick<ConfigProblem, "file" | "line" | "column" | "path"> => ({
    ...placeOf(files, path),
    path: dotted(path),
  });
  const warnings: ConfigProblem[] = [];
  const unset: ConfigProblem[] = [];
  const dotEnv = parseDotEnv(readTextFile(dotEnvFile(paths), LIMITS.dotEnvBytes)?.text ?? "");
  const layers = layerEnvironment(env, dotEnv, isTree(source.env) ? source.env.vars : undefined);
  for (const name of layers.refused.dotEnv) {
    warnings.push({ file: dotEnvFile(paths), path: name, reason: "ignored: a file may not set this variable" });
  }
  for (const name of layers.refused.config) {
    warnings.push({ ...locate(["env", "vars", name]), reason: "ignored: the configuration may not set this variable" });
  }
  const resolved = substitute(source, layers.env, (path, name) => {
    const reason = `refers to the environment variable ${name}, which is not set`;
    const problem = { ...locate(path), reason, hint: `set it, or write $\${${name}} for the text itself` };
    unset.push(problem);
    warnings.push(problem);
  });

  const findings = checkTree(resolved, configKeys()).map((finding) => ({ ...finding, ...locate(finding.path) }));
  const strip = ({ fatal: _, value: __, key: ___, ...problem }: (typeof findings)[number]): ConfigProblem => problem;
  const fatal = findings.filter((finding) => finding.fatal).map(strip);
  if (fatal.length > 0) throw new ConfigError(fatal);
  warnings.push(...findings.map(strip));
  return {
    exists: read !== null,
    text,
    files,
    includes: trace.uses,
    parsed,
    source,
    resolved,
    env: layers.env,
    unset,
    warnings,
    locate: (path) => locate(path),
  };
}

function parseRoot(text: string, file: string): Tree {
  if (text.trim() === "") return {};
  const parsed = parseJson5(text, file);
  if (isTree(parsed)) return parsed;
  throw new ConfigError([{ file, line: 1, path: "", reason: "must be an object: { … }" }]);
}

/** The file, line and column of a key: in the last file that has it, or where the nearest key above it stands. */
function placeOf(files: readonly SourceFile[], path: Path): { file?: string; line?: number; column?: number } {
  for (let length = path.length; length > 0; length--) {
    for (const { file, text, at } of files.toReversed()) {
      const isBelow = at.length < length && at.every((step, index) => step === path[index]);
      const place = isBelow ? keyPlace(text, path.slice(at.length, length)) : null;
      if (place) return { file, ...place };
    }
  }
  return files[0] ? { file: files[0].file } : {};
}
