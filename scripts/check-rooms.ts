import { dirname, join, relative } from "node:path";
import { Glob } from "bun";

/**
 * Rooms by how far they are from the world; an import may only point to the same or a larger number. Rooms that are
 * not named are domains.
 */
const LEVEL: Readonly<Record<string, number>> = {
  "main.ts": 0,
  parity: 0,
  cli: 1,
  sidecar: 2,
  client: 3,
  gateway: 3,
  methods: 4,
  store: 6,
  protocol: 7,
  platform: 8,
};
const DOMAIN = 5;

/** Rooms at the other end of the wire. */
const CLIENT_SIDE: ReadonlySet<string> = new Set(["client", "sidecar"]);

/** Imports that point the other way and are meant: handlers are typed by the context that the transport gives them. */
const ALLOWED_TYPES: readonly RegExp[] = [/^src\/methods\/[^ ]+ -> src\/gateway\/(context|dispatch)\.ts$/];
/** The composition root builds what the transport serves and the handlers it serves it with. */
const ALLOWED: readonly RegExp[] = [/^src\/gateway\/[^ ]+ -> src\/methods\/index\.ts$/];

export const roomOf = (file: string): string => relative("src", file).split("/")[0]!;
export const levelOf = (file: string): number => LEVEL[roomOf(file)] ?? DOMAIN;

/** Every relative import of a source text: where it points and whether it is for types alone. */
export function importsOf(text: string): { path: string; typeOnly: boolean }[] {
  const pattern = /\b(import|export)\s+(type\s+)?(?:[^"';]*?\bfrom\s+)?"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => ({
    path: (match[3] ?? match[4])!,
    typeOnly: match[2] !== undefined,
  }));
}

/** Files that only tests use: tests themselves and what they share. */
export const isTestFile = (file: string): boolean => /\.test\.ts$|\/testing(\/|\.ts)|\/testing-/.test(file);

/** Why an import is against the direction of the rooms, or null. Paths are relative to the repository. */
export function problemOf(from: string, to: string, typeOnly: boolean): string | null {
  if (!/^(src|generated)\//.test(to)) return `${from} imports ${to}: the product is made of src and generated alone`;
  if (isTestFile(to)) return `${from} imports ${to}: only tests may`;
  if (!to.startsWith("src/") || levelOf(to) >= levelOf(from)) {
    const wrongSide = CLIENT_SIDE.has(roomOf(from)) && ["gateway", "methods"].includes(roomOf(to));
    return wrongSide ? `${from} imports ${to}: the ${roomOf(from)} knows the gateway only by its protocol` : null;
  }
  const edge = `${from} -> ${to}`;
  if (ALLOWED.some((pattern) => pattern.test(edge))) return null;
  if (typeOnly && ALLOWED_TYPES.some((pattern) => pattern.test(edge))) return null;
  return `${from} imports ${to}: ${roomOf(from)} may not know ${roomOf(to)} (src/README.md says who may know whom)`;
}

if (import.meta.main) {
  const root = join(import.meta.dir, "..");
  const problems: string[] = [];
  for (const file of new Glob("src/**/*.ts").scanSync(root)) {
    if (isTestFile(file)) continue;
    for (const { path, typeOnly } of importsOf(await Bun.file(join(root, file)).text())) {
      const problem = problemOf(file, join(dirname(file), path), typeOnly);
      if (problem) problems.push(problem);
    }
  }
  for (const problem of problems.sort()) console.error(problem);
  process.exit(problems.length > 0 ? 1 : 0);
}
