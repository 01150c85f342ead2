import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Definitions } from "../codegen/schema.ts";
import { writeEntries } from "../codegen/yaml-write.ts";
import { dedupe } from "./dedupe.ts";
import { typeFamilies } from "./families.ts";
import type { UpstreamMethod, UpstreamRelease } from "./source.ts";

const HEADER = "Written by `bun run import-upstream`, never by hand.";

export interface UpstreamLock {
  package: string;
  version: string;
  sha256: string;
  wire: UpstreamRelease["wire"];
  methods: number;
  types: number;
}

/** `spec/upstream` in memory: types are deduplicated, references are by bare name. */
export interface UpstreamSpec {
  lock: UpstreamLock;
  methods: Record<string, UpstreamMethod>;
  types: Definitions;
  /** Type name to family (the file it lies in). */
  families: Map<string, string>;
}

const sorted = <T>(map: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

export function specOf(release: UpstreamRelease): UpstreamSpec {
  const methods = sorted(release.methods);
  const types = sorted(dedupe(release.definitions));
  return {
    lock: {
      package: release.package,
      version: release.version,
      sha256: release.sha256,
      wire: release.wire,
      methods: Object.keys(methods).length,
      types: Object.keys(types).length,
    },
    methods,
    types,
    families: typeFamilies(Object.keys(types), Object.keys(methods)),
  };
}

/** Reads `spec/upstream`; null when there is none yet. */
export function readUpstreamSpec(folder: string): UpstreamSpec | null {
  if (!existsSync(join(folder, "lock.yaml"))) return null;
  // Nobody writes comments here that must be kept, and Bun's own reader takes a twentieth of the time.
  const read = (file: string): unknown => Bun.YAML.parse(readFileSync(join(folder, file), "utf8"));
  const types: Definitions = {};
  const families = new Map<string, string>();
  for (const file of readdirSync(join(folder, "types")).sort()) {
    for (const [name, schema] of Object.entries(read(join("types", file)) as Definitions)) {
      types[name] = schema;
      families.set(name, file.replace(/\.yaml$/, ""));
    }
  }
  return {
    lock: read("lock.yaml") as UpstreamLock,
    methods: read("methods.yaml") as Record<string, UpstreamMethod>,
    types: sorted(types),
    families,
  };
}

/** Writes `spec/upstream` and removes the files of families that are gone. Returns the names of the files that changed. */
export function writeUpstreamSpec(folder: string, spec: UpstreamSpec): string[] {
  const files = new Map<string, { header: string; entries: Record<string, unknown> }>();
  files.set("lock.yaml", { header: HEADER, entries: { ...spec.lock } });
  files.set("methods.yaml", { header: `${HEADER}\nMethods with the scope they need.`, entries: spec.methods });
  for (const family of [...new Set(spec.families.values())].sort()) {
    const entries = Object.fromEntries(
      Object.entries(spec.types).filter(([name]) => spec.families.get(name) === family),
    );
    files.set(join("types", `${family}.yaml`), { header: `${HEADER}\nTypes of the family ${family}.`, entries });
  }
  mkdirSync(join(folder, "types"), { recursive: true });
  const changed: string[] = [];
  for (const file of readdirSync(join(folder, "types"))) {
    const name = join("types", file);
    if (files.has(name)) continue;
    rmSync(join(folder, name));
    changed.push(name);
  }
  for (const [name, { header, entries }] of files) {
    const path = join(folder, name);
    const previous = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    const text = writeEntries(header, entries, previous);
    if (text === previous) continue;
    writeFileSync(path, text);
    changed.push(name);
  }
  return changed.sort();
}
