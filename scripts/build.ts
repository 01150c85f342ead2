import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

const root = join(import.meta.dir, "..");

export interface BuildOptions {
  /** Where the executable goes. */
  outfile: string;
  /** A platform other than this one, for instance `bun-linux-arm64`. */
  target?: string;
  /** Told what is done, one line each. */
  progress?(line: string): void;
}

export interface BuildResult {
  path: string;
  bytes: number;
  sha256: string;
  chunks: number;
  seconds: number;
}

/**
 * Builds the executable. Minified and as bytecode it starts three times faster; split into chunks, what is imported
 * dynamically costs nothing until it is used. Stacks name the source by file and line. It reads no `.env` and no `bunfig.toml` of the directory it is started
 * in, and refuses to make code from strings. The same sources give the same bytes, whatever the time and the folder.
 * @throws Error when the bundler reports anything
 */
export async function build({ outfile, target, progress = () => {} }: BuildOptions): Promise<BuildResult> {
  const started = performance.now();
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  mkdirSync(dirname(outfile), { recursive: true });
  // The name is part of the bytes, so the file is built under its own in a folder beside its place.
  const workshop = `${outfile}.building`;
  rmSync(workshop, { recursive: true, force: true });
  progress(`building ${relative(root, outfile)} ${version}${target ? ` for ${target}` : ""}`);
  try {
    const result = await Bun.build({
      entrypoints: [join(root, "src", "main.ts")],
      root,
      target: "bun",
      format: "esm",
      minify: true,
      bytecode: true,
      splitting: true,
      metafile: true,
      sourcemap: "linked",
      define: { CHELA_VERSION: JSON.stringify(version), "process.env.NODE_ENV": '"production"' },
      compile: {
        outfile: join(workshop, basename(outfile)),
        ...(target && { target: target as Bun.Build.CompileTarget }),
        execArgv: ["--disallow-code-generation-from-strings=strict"],
        autoloadDotenv: false,
        autoloadBunfig: false,
      },
      throw: false,
    });
    if (!result.success) throw new Error(["the bundler failed:", ...result.logs.map(String)].join("\n"));
    for (const log of result.logs) progress(String(log));
    const built = readdirSync(workshop).find((name) => name.startsWith(basename(outfile)) && !name.endsWith(".map"))!;
    const path = join(dirname(outfile), built);
    renameSync(join(workshop, built), path);
    return {
      path,
      bytes: statSync(path).size,
      sha256: sha256(readFileSync(path)),
      chunks: Object.keys(result.metafile!.outputs).length,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** A hash of everything that the executable is made from. */
export function sourceHash(): string {
  const hash = createHash("sha256").update(Bun.version);
  const files = ["package.json", "package-lock.json", "scripts/build.ts"];
  for (const folder of ["src", "generated"]) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (/(?<!\.test)\.ts$|\.bin$/.test(file)) files.push(join(folder, file));
    }
  }
  for (const file of files.sort()) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** Builds twice in different folders and compares. @throws Error when the bytes differ */
export async function checkReproducible(progress: (line: string) => void): Promise<void> {
  const out = join(root, "out", "reproducible");
  const hashes: string[] = [];
  for (const folder of ["one", "two"]) {
    const { sha256 } = await build({ outfile: join(out, folder, "chela"), progress });
    hashes.push(sha256);
  }
  rmSync(out, { recursive: true, force: true });
  if (hashes[0] !== hashes[1]) throw new Error(`two builds of the same sources differ: ${hashes.join(" and ")}`);
  progress(`two builds agree: ${hashes[0]}`);
}

function describe({ path, bytes, sha256, chunks, seconds }: BuildResult): string {
  const size = (bytes / 1e6).toFixed(1);
  return `built ${relative(root, path)} in ${seconds.toFixed(1)} s: ${size} MB, ${chunks} chunks, sha256 ${sha256}`;
}

/** usage: build.ts [--if-stale] [--target PLATFORM] [--outfile PATH] [--check-reproducible] */
async function main(words: string[]): Promise<void> {
  const value = (name: string): string | undefined => {
    const at = words.indexOf(name);
    return at < 0 ? undefined : words[at + 1];
  };
  const progress = (line: string): void => console.log(line);
  if (words.includes("--check-reproducible")) return checkReproducible(progress);
  const target = value("--target");
  const outfile = value("--outfile") ?? join(root, "dist", target ? `chela-${target.replace(/^bun-/, "")}` : "chela");
  const stamp = `${outfile}.sources`;
  const sources = sourceHash();
  if (
    words.includes("--if-stale") &&
    existsSync(outfile) &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === sources
  ) {
    return;
  }
  rmSync(stamp, { force: true });
  progress(describe(await build({ outfile, target, progress })));
  writeFileSync(stamp, sources);
}

if (import.meta.main) {
  await main(Bun.argv.slice(2)).catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
}
