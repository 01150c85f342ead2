import { join } from "node:path";
import { readOwnSpec } from "./codegen/bindings.ts";
import { compareSpecs, renderReport } from "./upstream/report.ts";
import { readUpstream } from "./upstream/source.ts";
import { readUpstreamSpec, specOf, type UpstreamSpec, writeUpstreamSpec } from "./upstream/spec-files.ts";

const USAGE = `usage: bun run import-upstream SOURCE [--check] [--json] [--spec DIR]
  SOURCE   a package (@openclaw/gateway-protocol@2026.9.1), an unpacked package folder, or a protocol.schema.json
  --check  only report what would change; exit 1 when something would
  --json   print the report as JSON
  --spec   the spec folder (default: spec)`;

/** Returns the exit code: 0 done, 1 when nothing could be read or, with --check, when the spec differs, 2 on wrong use. */
export function main(args: readonly string[]): number {
  const flags = new Set(args.filter((arg) => arg.startsWith("--")));
  const specAt = args.indexOf("--spec");
  const specFolder = specAt >= 0 ? args[specAt + 1] : join(import.meta.dir, "..", "spec");
  const source = args.find((arg, index) => !arg.startsWith("--") && (specAt < 0 || index !== specAt + 1));
  const unknown = [...flags].filter((flag) => !["--check", "--json", "--spec"].includes(flag));
  if (source === undefined || specFolder === undefined || unknown.length > 0) {
    console.error(USAGE);
    return 2;
  }
  const upstream = join(specFolder, "upstream");
  let next: UpstreamSpec;
  try {
    next = specOf(readUpstream(source));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
  const previous = readUpstreamSpec(upstream);
  const report = compareSpecs(previous, next, readOwnSpec(specFolder));
  console.log(flags.has("--json") ? JSON.stringify(report, null, 2) : renderReport(report));
  if (flags.has("--check")) return report.changed ? 1 : 0;
  const files = writeUpstreamSpec(upstream, next);
  if (!flags.has("--json")) {
    console.log(files.length === 0 ? "spec/upstream is up to date." : `Wrote ${files.length} files of spec/upstream.`);
  }
  return 0;
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
