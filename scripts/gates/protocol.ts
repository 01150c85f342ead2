import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Check } from "typebox/schema";
import { readOwnSpec } from "../codegen/bindings.ts";
import { counts } from "../codegen/reference.ts";
import { Samples } from "../codegen/samples/read.ts";
import { plainSchema } from "../codegen/schema.ts";
import { loadSpec } from "../codegen/spec.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { generate, staleFiles } from "../generate.ts";
import { compareSpecs, renderReport } from "../upstream/report.ts";
import { readUpstream } from "../upstream/source.ts";
import { readUpstreamSpec, specOf, writeUpstreamSpec } from "../upstream/spec-files.ts";

const PACKAGE = "@openclaw/gateway-protocol";
/** The release before the one that is committed; the import is proven on the step between them. */
const EARLIER = "2026.8.1-beta.3";

type Validators = Readonly<Record<string, () => (value: unknown) => boolean>>;

export const gate: Gate = {
  name: "protocol",
  summary: "The contract: generated files, validators, imports of real releases, authorisation, recorded refusals.",
  async run(context) {
    const { root, check } = context;
    await check("everything generated is up to date", () => {
      const stale = staleFiles(root, generate(root));
      if (stale.length > 0) throw new Error(`stale: ${stale.join(", ")}`);
    });
    await check("counts", () => countSpec(context));
    await check("validators accept and refuse the samples, as the schema library does", () => bothWays(context));
    await check("validators start lazily and need no code from strings", () => startUp(context));
    await check("what is committed is what the installed package gives", () => sameAsInstalled(context));
    await importReleases(context);
    await check("authorisation: role and scope over all methods and events", () =>
      tests(context, "authorisation", "src/gateway/authorization.test.ts", "src/gateway/broadcast.test.ts"),
    );
    await check("recorded refusals are given in the same words", () =>
      tests(context, "refusals", "src/protocol/error-text.test.ts"),
    );
    await check("a wrong spec is refused with file, line and reason", () =>
      tests(context, "wrong specs", "scripts/codegen/spec.test.ts"),
    );
    await check("an import reports what changed and whom it concerns", () =>
      tests(context, "import", "scripts/upstream/import.test.ts"),
    );
    await check("a method is added by hand on a copy", () => tests(context, "loop", "scripts/codegen/loop.test.ts"));
  },
};

function countSpec({ root, metric }: GateContext): void {
  for (const [name, value] of Object.entries(counts(loadSpec(root)))) metric(name, value, "in the spec");
  for (const file of readdirSync(join(root, "generated")).sort()) {
    metric(`generated/${file}`, readFileSync(join(root, "generated", file)).byteLength, "bytes");
  }
}

async function allValidators(): Promise<Validators> {
  const { VALIDATORS } = await import("../../generated/validators.ts");
  const { VALIDATORS: REST } = await import("../../generated/validators-rest.ts");
  return { ...REST, ...VALIDATORS };
}

async function bothWays({ root, metric }: GateContext): Promise<void> {
  const spec = loadSpec(root);
  const samples = new Samples(root);
  const validators = await allValidators();
  const wrong: string[] = [];
  const count = { accepted: 0, refused: 0 };
  for (const type of samples.types) {
    const schema = plainSchema(type, spec.definitions) as object;
    const judge = (value: unknown, expected: boolean, what: string): void => {
      if (validators[type]!()(value) !== expected || Check(schema, value) !== expected) wrong.push(`${type}: ${what}`);
      else count[expected ? "accepted" : "refused"]++;
    };
    const { valid, invalid } = samples.of(type);
    for (const [index, value] of valid.entries()) judge(value, true, `valid sample ${index}`);
    for (const { why, at, value } of invalid) judge(value, false, `${why} at ${at || "the root"}`);
  }
  metric("types with samples", samples.types.length, "types");
  metric("valid samples accepted", count.accepted, "samples");
  metric("invalid samples refused", count.refused, "samples");
  if (wrong.length > 0) throw new Error(`judged wrongly: ${wrong.slice(0, 20).join("; ")}`);
}

/** A program that times the import of validators, then uses each of them under a ban on code from strings. */
const starter = (module: string): string => `
const started = performance.now();
const { VALIDATORS } = await import(${JSON.stringify(module)});
const ms = performance.now() - started;
let eager = false;
try { new Function("return 1"); eager = true; } catch {}
for (const make of Object.values(VALIDATORS)) make()({});
console.log(JSON.stringify({ ms, types: Object.keys(VALIDATORS).length, eager }));
`;
const STARTS = 15;

/** Built as the executable is, since bytecode and lazy compilation decide what a start costs. */
async function startUp({ root, out, metric, exec }: GateContext): Promise<void> {
  for (const module of ["validators", "validators-rest"]) {
    const source = join(out, `start-${module}.ts`);
    const program = join(out, `start-${module}`);
    writeFileSync(source, starter(join(root, "generated", `${module}.ts`)));
    const built = await Bun.build({
      entrypoints: [source],
      target: "bun",
      format: "esm",
      minify: true,
      bytecode: true,
      splitting: true,
      compile: { outfile: program, execArgv: ["--disallow-code-generation-from-strings=strict"] },
      throw: false,
    });
    if (!built.success) throw new Error(`cannot build ${module}: ${built.logs.join(" ")}`);
    const times: number[] = [];
    let types = 0;
    for (let run = 0; run < STARTS; run++) {
      const said = JSON.parse(await exec([program]));
      if (said.eager) throw new Error("code from strings was not refused, so this run proves nothing");
      times.push(said.ms);
      types = said.types;
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(STARTS / 2)]!;
    metric(`${module}: types`, types, "types");
    metric(`${module}: import, median of ${STARTS}`, Number(median.toFixed(3)), "ms");
    if (types > 400)
      metric("validators: import of 400 types, by proportion", Number(((median * 400) / types).toFixed(3)), "ms");
    rmSync(program);
  }
}

function textsOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
  return JSON.stringify(files.sort().map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

function sameAsInstalled({ root }: GateContext): void {
  const upstream = join(root, "spec", "upstream");
  const report = compareSpecs(
    readUpstreamSpec(upstream),
    specOf(readUpstream(join(root, "node_modules", ...PACKAGE.split("/")))),
    readOwnSpec(join(root, "spec")),
  );
  if (report.changed) throw new Error(`spec/upstream differs from the package:\n${renderReport(report)}`);
}

/** Imports two real releases from the registry, one after the other, into an empty spec. */
async function importReleases(context: GateContext): Promise<void> {
  const { root, out, check, skip, metric } = context;
  const committed = join(root, "spec", "upstream");
  const { version } = readUpstreamSpec(committed)!.lock;
  const name = `import of ${EARLIER}, then ${version}`;
  const reachable = await registryHas(`${PACKAGE}@${EARLIER}`);
  if (!reachable) return skip(name, "the registry cannot be reached");
  const folder = mkdtempSync(join(tmpdir(), "chela-gate-import-"));
  try {
    await check(name, () => {
      cpSync(join(root, "spec", "chela"), join(folder, "chela"), { recursive: true });
      const upstream = join(folder, "upstream");
      const hand = textsOf(join(folder, "chela"));
      writeUpstreamSpec(upstream, specOf(readUpstream(`${PACKAGE}@${EARLIER}`)));
      const next = specOf(readUpstream(`${PACKAGE}@${version}`));
      const report = compareSpecs(readUpstreamSpec(upstream), next, readOwnSpec(folder));
      writeFileSync(join(out, "import-report.txt"), `${renderReport(report)}\n`);
      for (const kind of ["methods", "types"] as const) {
        for (const [what, changes] of Object.entries(report[kind])) metric(`${kind} ${what}`, changes.length, kind);
      }
      const written = writeUpstreamSpec(upstream, next);
      if (written.length === 0) throw new Error("the second release changed nothing");
      const again = writeUpstreamSpec(upstream, next);
      if (again.length > 0) throw new Error(`importing twice wrote ${again.join(", ")}`);
      if (textsOf(upstream) !== textsOf(committed))
        throw new Error("the import does not give the committed spec/upstream");
      if (textsOf(join(folder, "chela")) !== hand) throw new Error("the import touched spec/chela");
      // What the older release has and the newer one lacks would show as removed on the way back.
      const back = compareSpecs(next, specOf(readUpstream(`${PACKAGE}@${EARLIER}`)), readOwnSpec(folder));
      if (back.types.removed.length !== report.types.added.length) throw new Error("the way back is not the way there");
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function registryHas(spec: string): Promise<boolean> {
  const view = Bun.spawn(["npm", "view", spec, "version"], { stdout: "pipe", stderr: "ignore", timeout: 30_000 });
  return (await new Response(view.stdout).text()).trim() !== "" && (await view.exited) === 0;
}

async function tests({ root, out, metric, exec }: GateContext, name: string, ...files: string[]): Promise<void> {
  for (const file of files) if (!existsSync(join(root, file))) throw new Error(`${file} is missing`);
  mkdirSync(join(out, "tests"), { recursive: true });
  const junit = join(out, "tests", `${name.replaceAll(" ", "-")}.xml`);
  await exec([process.execPath, "test", "--reporter=junit", `--reporter-outfile=${junit}`, ...files]);
  const cases = readFileSync(junit, "utf8").match(/<testcase /g)?.length ?? 0;
  if (cases === 0) throw new Error("no test has run");
  metric(`tests of ${name}`, cases, "tests");
}
