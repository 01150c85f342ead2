import { lstat, mkdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { uuid } from "../../platform/ids.ts";
import { type ArchiveFile, ArchiveRefused } from "./zip.ts";

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

export const isSlug = (slug: string): boolean => SLUG.test(slug);

/**
 * Puts files into `<skillsDir>/<slug>` as a whole: they are written beside it, in a folder that nobody else knows, which
 * then takes its place. The folder of an installed skill that is replaced goes only after that.
 * @throws ArchiveRefused when it is there and may not be replaced, or when the way to it is a link (KNOWN_ATTACKS 66)
 */
export async function placeSkill(
  skillsDir: string,
  slug: string,
  files: readonly ArchiveFile[],
  mayReplace: boolean,
): Promise<string> {
  if (!isSlug(slug)) throw new ArchiveRefused(`Invalid skill slug: ${slug}`);
  // A link here would lead everything that is installed out of the workspace, to a place that somebody else has chosen.
  if ((await lstat(skillsDir).catch(() => null))?.isSymbolicLink())
    throw new ArchiveRefused("the folder of skills is a link");
  await mkdir(skillsDir, { recursive: true, mode: 0o700 });
  const root = await realpath(skillsDir);
  const target = join(root, slug);
  const known = await lstat(target).catch(() => null);
  if (known && !known.isDirectory()) throw new ArchiveRefused("what is there is not a folder of a skill");
  if (known && !mayReplace) throw new ArchiveRefused(`Skill already exists at ${slug}. Use force to replace it.`);
  const draft = join(root, `.${slug}-${uuid()}`);
  const old = `${draft}.old`;
  try {
    await mkdir(draft, { mode: 0o700 });
    for (const { path, data } of files) {
      const file = join(draft, path);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, data, { mode: 0o600, flag: "wx" });
    }
    if (known) await rename(target, old);
    await rename(draft, target);
  } catch (error) {
    if (known && !(await lstat(target).catch(() => null))) await rename(old, target).catch(() => {});
    throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
  return target;
}

/** The files of a skill's archive from its root: where `SKILL.md` lies, at the top or in the only folder there. */
export function skillFiles(files: readonly ArchiveFile[]): ArchiveFile[] {
  if (files.some(({ path }) => path === "SKILL.md")) return [...files];
  const tops = new Set(files.map(({ path }) => path.split("/")[0]!));
  const [only] = tops;
  if (tops.size !== 1 || !files.some(({ path }) => path === `${only}/SKILL.md`)) {
    throw new ArchiveRefused("the archive has no SKILL.md");
  }
  return files.map(({ path, data }) => ({ path: path.slice(only!.length + 1), data }));
}
