import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CATALOG_MODULE, CATALOG_SPEC, catalogModule } from "./codegen/catalog.ts";
import { emitClient } from "./codegen/client.ts";
import { generateConfig } from "./codegen/config.ts";
import type { Output } from "./codegen/emit.ts";
import { emitHandlers, emitMethods } from "./codegen/methods.ts";
import { emitSamples } from "./codegen/samples/emit.ts";
import { loadSpec } from "./codegen/spec.ts";
import { SpecError } from "./codegen/spec-file.ts";
import { emitErrors, emitEvents, emitLimits } from "./codegen/tables.ts";
import { emitTypebox } from "./codegen/typebox.ts";
import { emitTypes } from "./codegen/types.ts";
import { emitValidators } from "./codegen/validators.ts";

/** All files of `generated/`, made from the spec of the repository at `root`. Throws SpecError when the spec is wrong. */
export function generate(root: string): Output[] {
  const spec = loadSpec(root);
  return [
    ...emitTypes(spec),
    ...emitMethods(spec),
    ...emitHandlers(spec),
    ...emitEvents(spec),
    ...emitErrors(spec),
    ...emitLimits(spec),
    ...emitValidators(spec),
    ...emitClient(),
    ...emitSamples(spec),
    ...emitTypebox(spec),
    ...asOutputs({ [CATALOG_MODULE]: catalogModule(readFileSync(join(root, CATALOG_SPEC), "utf8")) }),
    ...asOutputs(generateConfig(join(root, "spec", "config"))),
  ];
}

/** Generators that name their files relative to the repository. */
function asOutputs(texts: Readonly<Record<string, string>>): Output[] {
  return Object.entries(texts).map(([path, text]) => ({ path: path.replace(/^generated\//, ""), text }));
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Names of the files of `generated/` that differ from what the spec gives; those too that it does not give at all. */
export function staleFiles(root: string, outputs: readonly Output[]): string[] {
  const folder = join(root, "generated");
  const expected = new Map(outputs.map(({ path, text }) => [path, text]));
  const stale = filesUnder(folder).filter((path) => !expected.has(path));
  for (const [path, text] of expected) {
    const file = join(folder, path);
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) stale.push(path);
  }
  return stale.sort();
}

/** Writes what differs and removes what the spec no longer gives. Returns the names of the files it touched. */
export function writeOutputs(root: string, outputs: readonly Output[]): string[] {
  const stale = staleFiles(root, outputs);
  const expected = new Map(outputs.map(({ path, text }) => [path, text]));
  for (const path of stale) {
    const file = join(root, "generated", path);
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
      console.log(written.length === 0 ? "generated/ is up to date." : `Wrote ${written.length} files of generated/.`);
      return 0;
    }
    const stale = staleFiles(root, outputs);
    for (const path of stale) console.error(`generated/${path}: differs from the spec; run: bun run generate`);
    return stale.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) process.exit(main(process.argv.slice(2), join(import.meta.dir, "..")));
