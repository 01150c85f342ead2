import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { CATALOG_MODULE, CATALOG_SPEC, catalogModule } from "./codegen/catalog.ts";
import { emitClient } from "./codegen/client.ts";
import { generateConfig } from "./codegen/config.ts";
import type { Output } from "./codegen/emit.ts";
import { emitHandlers, emitMethods } from "./codegen/methods.ts";
import { NODE_COMMANDS_MODULE, NODE_COMMANDS_SPEC, nodeCommandsModule } from "./codegen/node-commands.ts";
import { emitReference, readmeWithTable } from "./codegen/reference.ts";
import { emitSamples } from "./codegen/samples/emit.ts";
import { loadSpec } from "./codegen/spec.ts";
import { SpecError } from "./codegen/spec-file.ts";
import { emitErrors, emitEvents, emitLimits, emitScopes } from "./codegen/tables.ts";
import { TOOLS_MODULE, TOOLS_SPEC, toolsModule } from "./codegen/tools.ts";
import { emitTypebox } from "./codegen/typebox.ts";
import { emitTypes } from "./codegen/types.ts";
import { emitValidators } from "./codegen/validators.ts";

/**
 * Everything that is made from the spec of the repository at `root`: all files of `generated/`, and the README with its
 * table of methods. Throws SpecError when the spec is wrong.
 */
export function generate(root: string): Output[] {
  const spec = loadSpec(root);
  const readme = readmeWithTable(root, spec);
  const files = [
    ...emitTypes(spec),
    ...emitMethods(spec),
    ...emitHandlers(spec),
    ...emitEvents(spec),
    ...emitErrors(spec),
    ...emitLimits(spec),
    ...emitScopes(spec),
    ...emitValidators(spec),
    ...emitClient(),
    ...emitSamples(spec),
    ...emitTypebox(spec),
    ...emitReference(spec),
  ].map(({ path, text }) => ({ path: `generated/${path}`, text }));
  return [
    ...files,
    ...asOutputs({ [CATALOG_MODULE]: catalogModule(readFileSync(join(root, CATALOG_SPEC), "utf8")) }),
    ...asOutputs({
      [NODE_COMMANDS_MODULE]: nodeCommandsModule(readFileSync(join(root, NODE_COMMANDS_SPEC), "utf8")),
    }),
    ...asOutputs({ [TOOLS_MODULE]: toolsModule(readFileSync(join(root, TOOLS_SPEC), "utf8")) }),
    ...asOutputs(generateConfig(join(root, "spec", "config"))),
    ...(readme === null ? [] : [{ path: "README.md", text: readme }]),
  ];
}

/** Generators that name their files relative to the repository, as a map. */
function asOutputs(texts: Readonly<Record<string, string>>): Output[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Paths that differ from what the spec gives, relative to `root`; those of `generated/` too that it does not give at all. */
export function staleFiles(root: string, outputs: readonly Output[]): string[] {
  const expected = new Map(outputs.map(({ path, text }) => [path, text]));
  const present = filesUnder(join(root, "generated")).map((path) => relative(root, path));
  const stale = present.filter((path) => !expected.has(path));
  for (const [path, text] of expected) {
    const file = join(root, path);
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) stale.push(path);
  }
  return stale.sort();
}

/** Writes what differs and removes what the spec no longer gives. Returns the paths of the files it touched. */
export function writeOutputs(root: string, outputs: readonly Output[]): string[] {
  const stale = staleFiles(root, outputs);
  const expected = new Map(outputs.map(({ path, text }) => [path, text]));
  for (const path of stale) {
    const file = join(root, path);
    const text = expected.get(path);
    if (text === undefined) rmSync(file);
    else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  return stale;
}

/** Returns the exit code: 0 done, 1 stale (with --check) or wrong spec, 2 on wrong use. */
export function main(args: readonly string[], root: string): number {
  const wrong = args.filter((arg) => arg !== "--check");
  if (wrong.length > 0) {
    console.error("usage: bun run generate [--check]");
    return 2;
  }
  try {
    const outputs = generate(root);
    if (!args.includes("--check")) {
      const written = writeOutputs(root, outputs);
      console.log(written.length === 0 ? "Everything generated is up to date." : `Wrote ${written.join(", ")}.`);
      return 0;
    }
    const stale = staleFiles(root, outputs);
    for (const path of stale) console.error(`${path}: differs from the spec; run: bun run generate`);
    return stale.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) process.exit(main(process.argv.slice(2), join(import.meta.dir, "..")));
