import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type Definitions, isRecord } from "../codegen/schema.ts";

export interface UpstreamMethod {
  scope: string;
  since: string;
}

export interface WireVersions {
  protocol: number;
  minClient: number;
  minNode: number;
  minProbe: number;
}

/** What one upstream release states about its protocol. */
export interface UpstreamRelease {
  package: string;
  version: string;
  /** SHA-256 of `protocol.schema.json`, hex. */
  sha256: string;
  wire: WireVersions | null;
  methods: Record<string, UpstreamMethod>;
  definitions: Definitions;
}

const SCHEMA_FILE = "protocol.schema.json";

function wireVersions(folder: string): WireVersions | null {
  let text: string;
  try {
    text = readFileSync(join(folder, "dist", "version.mjs"), "utf8");
  } catch {
    return null;
  }
  const read = (name: string) => Number(new RegExp(`\\b${name} = (\\d+)`).exec(text)?.[1] ?? Number.NaN);
  const wire = {
    protocol: read("PROTOCOL_VERSION"),
    minClient: read("MIN_CLIENT_PROTOCOL_VERSION"),
    minNode: read("MIN_NODE_PROTOCOL_VERSION"),
    minProbe: read("MIN_PROBE_PROTOCOL_VERSION"),
  };
  return Object.values(wire).some(Number.isNaN) ? null : wire;
}

function packageFacts(folder: string): { name: string; version: string } {
  try {
    const facts = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: string; version?: string };
    return { name: facts.name ?? basename(folder), version: facts.version ?? "unknown" };
  } catch {
    return { name: basename(folder), version: "unknown" };
  }
}

/** Reads a `protocol.schema.json`; the package facts come from the folder it lies in. */
export function readSchemaFile(path: string): UpstreamRelease {
  const bytes = readFileSync(path);
  const schema: unknown = JSON.parse(bytes.toString("utf8"));
  if (!isRecord(schema) || !isRecord(schema.methods) || !isRecord(schema.definitions)) {
    throw new Error(`${path}: not a protocol schema: it must have "methods" and "definitions"`);
  }
  const methods: Record<string, UpstreamMethod> = {};
  for (const [name, facts] of Object.entries(schema.methods)) {
    if (!isRecord(facts) || typeof facts.scope !== "string" || typeof facts.since !== "string") {
      throw new Error(`${path}: method ${name} must have "scope" and "since"`);
    }
    methods[name] = { scope: facts.scope, since: facts.since };
  }
  const folder = dirname(path);
  const facts = packageFacts(folder);
  return {
    package: facts.name,
    version: facts.version,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    wire: wireVersions(folder),
    methods,
    definitions: schema.definitions as Definitions,
  };
}

/** Fetches an npm package by its spec into a temporary folder, reads it and removes the folder. Runs no package script. */
function readNpmPackage(spec: string): UpstreamRelease {
  const folder = mkdtempSync(join(tmpdir(), "chela-upstream-"));
  try {
    const pack = spawnSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder, spec], {
      encoding: "utf8",
    });
    const tarball = pack.stdout?.trim().split("\n").pop();
    if (pack.status !== 0 || !tarball) throw new Error(`npm pack ${spec} failed: ${pack.stderr?.trim()}`);
    const tar = spawnSync("tar", ["-xzf", join(folder, tarball), "-C", folder], { encoding: "utf8" });
    if (tar.status !== 0) throw new Error(`cannot unpack ${tarball}: ${tar.stderr?.trim()}`);
    return readSchemaFile(join(folder, "package", SCHEMA_FILE));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Reads an upstream release from a schema file, from an unpacked package folder, or from the npm registry
 * (`@openclaw/gateway-protocol@2026.9.1`). A path that exists wins over a package name.
 */
export function readUpstream(source: string): UpstreamRelease {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat?.isFile()) return readSchemaFile(source);
  if (stat?.isDirectory()) return readSchemaFile(join(source, SCHEMA_FILE));
  if (/^(@[\w.-]+\/)?[\w.-]+(@[\w.-]+)?$/.test(source)) return readNpmPackage(source);
  throw new Error(`${source}: no such file or folder, and not a package name`);
}
