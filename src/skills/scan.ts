import { readdir, realpath } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { readInside } from "../platform/read-inside.ts";
import { parseSkill, type SkillFacts, textOf } from "./frontmatter.ts";

/** A folder that holds skills. */
export interface SkillRoot {
  path: string;
  /** How clients are told where a skill comes from. */
  source: string;
  /** Whether folders in it may be links to elsewhere; a link's target must then hold its `SKILL.md` itself. */
  mayLink: boolean;
  /** What describes a folder; `SKILL.md` unless told. Internal hooks have a `HOOK.md` of the same form. */
  file?: string;
}

/** A skill as it lies on disk. */
export interface FoundSkill extends SkillFacts {
  source: string;
  /** Its folder, an absolute path. */
  baseDir: string;
  /** What stands behind the head of its file. */
  text: string;
}

/**
 * The skills in the roots by name; where several have one name, that of the earlier root. Files that describe no skill
 * are left out, and so is what leads out of its root.
 */
export async function scanSkills(roots: readonly SkillRoot[]): Promise<FoundSkill[]> {
  const byName = new Map<string, FoundSkill>();
  for (const found of await Promise.all(roots.map(scanRoot))) {
    for (const skill of found) if (!byName.has(skill.name)) byName.set(skill.name, skill);
  }
  return [...byName.values()].sort((a, b) => names.compare(a.name, b.name));
}

const names = new Intl.Collator("en");

async function scanRoot(root: SkillRoot): Promise<FoundSkill[]> {
  const home = await realpath(root.path).catch(() => undefined);
  if (home === undefined) return [];
  const found: FoundSkill[] = [];
  /** How many folders may still be looked at. */
  let left = LIMITS.skillFoldersPerRoot;
  await visit(root.path, 0);
  return found;

  async function visit(folder: string, depth: number): Promise<void> {
    if (left-- <= 0) return;
    const real = await realpath(folder).catch(() => undefined);
    if (real === undefined || !(root.mayLink || isInside(home!, real))) return;
    const markdown = await readInside(real, root.file ?? "SKILL.md", LIMITS.skillFileBytes);
    if (typeof markdown !== "string") {
      const whole = markdown.toString("utf8");
      const facts = parseSkill(whole, basename(folder));
      if (facts) found.push({ ...facts, source: root.source, baseDir: folder, text: textOf(whole) });
      return;
    }
    if (depth >= LIMITS.skillFolderDepth) return;
    const entries = await readdir(real, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const isFolder = entry.isDirectory() || entry.isSymbolicLink();
      if (isFolder && entry.name !== "node_modules" && !entry.name.startsWith(".")) {
        await visit(join(folder, entry.name), depth + 1);
      }
    }
  }
}

const isInside = (root: string, path: string): boolean => path === root || path.startsWith(root + sep);
