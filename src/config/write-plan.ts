import { realpathSync } from "node:fs";
import { dirname, relative } from "node:path";
import { invalidRequest } from "../platform/errors.ts";
import type { IncludeUse } from "./include.ts";
import { isTree, type Tree } from "./json5.ts";
import { editJson5 } from "./json5-edit.ts";
import { dotted } from "./problem.ts";
import type { ConfigSource } from "./source.ts";
import { differences, valueAt, withValue } from "./values.ts";

/** A file that is to have another text. */
export interface FileChange {
  file: string;
  before: string;
  after: string;
}

/**
 * Decides which file a changed configuration goes to, and its new text. A change below one `$include` goes to the
 * included file; what cannot be written without flattening includes is refused (docs: gateway/config-secrets-env).
 * @param wanted the configuration with its includes in place
 * @param stamp adds what every write of the config file notes in it
 * @throws GatewayError
 */
export function planWrite(path: string, source: ConfigSource, wanted: Tree, stamp: (tree: Tree) => Tree): FileChange {
  const paths = differences(source.source, wanted);
  const owner = ownerOf(source.includes, paths);
  if (owner === undefined) {
    const own = paths.reduce((tree, at) => withValue(tree, at, valueAt(wanted, at)), source.parsed);
    return { file: path, before: source.text, after: editJson5(source.text, stamp(own)) };
  }
  const file = owner.files[0]!;
  const content = valueAt(wanted, owner.path);
  const text = source.files.find((each) => each.file === file)?.text;
  if (!isWritable(owner, source.includes, path) || text === undefined || !isTree(content)) throw readOnly(paths[0]!);
  return { file, before: text, after: editJson5(text, content) };
}

/** The include that all changes lie below, undefined when they lie below none. @throws GatewayError for anything else */
function ownerOf(includes: readonly IncludeUse[], paths: readonly string[][]): IncludeUse | undefined {
  const owners = new Set(
    paths.map((path) => {
      const above = includes.filter((use) => isPrefix(use.path, path));
      const below = includes.some((use) => use.path.length > path.length && isPrefix(path, use.path));
      if (below || above.length > 1) throw readOnly(path);
      return above[0];
    }),
  );
  if (owners.size > 1) throw readOnly(paths[0]!);
  return [...owners][0];
}

/** True for the only include of one file, under a key of its own, without includes below it, beside the config file. */
function isWritable(use: IncludeUse, includes: readonly IncludeUse[], path: string): boolean {
  const isAlone = includes.every((other) => other === use || !isPrefix(use.path, other.path));
  const isShared = includes.some((other) => other !== use && other.files.includes(use.files[0]!));
  const way = relative(realpathSync(dirname(path)), use.files[0]!);
  const isBeside = !way.startsWith("..");
  return (
    !use.isList && !use.hasSiblings && use.path.length > 0 && isAlone && !isShared && isBeside && isBelowObjects(use)
  );
}

const isBelowObjects = ({ path }: IncludeUse): boolean => path.every((step) => typeof step === "string");

const isPrefix = (short: readonly (string | number)[], long: readonly (string | number)[]): boolean =>
  short.length <= long.length && short.every((step, index) => step === long[index]);

const readOnly = (path: readonly string[]) =>
  invalidRequest(
    `config write refused: ${dotted(path)} comes from an $include that is not written to; edit the file itself`,
  );
