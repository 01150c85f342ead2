import { basename, dirname, relative, sep } from "node:path";
import { PathRefused } from "../platform/fs-safe/refusal.ts";
import { SafeRoot } from "../platform/fs-safe/root.ts";
import type { ExtraPath } from "./settings.ts";

/** A file that is remembered. */
export interface MemoryFile {
  /** As results name it: relative to the workspace, with `/`. */
  path: string;
  root: SafeRoot;
  parts: string[];
  /** Not of the workspace itself: others may write it. */
  isExtra: boolean;
}

/** Where memory lies in a workspace (docs: concepts/memory). */
export const ROOT_FILES: readonly string[] = ["MEMORY.md", "USER.md"];
const FOLDER = "memory";
const MARKDOWN = /\.md$/i;

export interface FileBounds {
  memoryFiles: number;
  memoryFolderDepth: number;
  memoryFolderEntries: number;
}

/** What is left to be looked at. */
interface Walk {
  entries: number;
  goesOn(): boolean;
  add(parts: string[]): void;
}

/**
 * The Markdown files of an agent's memory: those of the workspace, and beneath the extra paths. Links are not followed,
 * hidden folders are left out (docs: reference/memory-config).
 */
export async function memoryFiles(
  workspace: string,
  extra: readonly ExtraPath[],
  bounds: FileBounds,
): Promise<MemoryFile[]> {
  const found = new Map<string, MemoryFile>();
  const own = rootAt(workspace);
  const goesOn = () => found.size < bounds.memoryFiles;
  if (own) {
    for (const name of ROOT_FILES) found.set(name, { path: name, root: own, parts: [name], isExtra: false });
    const add = (parts: string[]) =>
      found.set(parts.join("/"), { path: parts.join("/"), root: own, parts, isExtra: false });
    await walk(own, [FOLDER], bounds.memoryFolderDepth, { entries: bounds.memoryFolderEntries, goesOn, add });
  }
  for (const { path, pattern } of extra) {
    const { root, start } = extraRoot(path);
    if (!root) continue;
    const glob = pattern === undefined ? undefined : new Bun.Glob(pattern);
    const add = (parts: string[]) => {
      if (glob && start.length === 0 && !glob.match(parts.join("/"))) return;
      const shown = shownPath(workspace, root, parts);
      if (!found.has(shown)) found.set(shown, { path: shown, root, parts, isExtra: true });
    };
    if (start.length > 0) add(start);
    else await walk(root, [], bounds.memoryFolderDepth, { entries: bounds.memoryFolderEntries, goesOn, add });
  }
  return [...found.values()].slice(0, bounds.memoryFiles);
}

/** The file of an agent's memory that a path means, given as results show it or absolute; undefined for any other. */
export function memoryFile(workspace: string, extra: readonly ExtraPath[], given: string): MemoryFile | undefined {
  if (given.includes("\0") || !MARKDOWN.test(given)) return undefined;
  const own = rootAt(workspace);
  const parts = own && partsIn(own, given);
  if (own && parts && isOwnMemory(parts)) return { path: parts.join("/"), root: own, parts, isExtra: false };
  for (const { path, pattern } of extra) {
    const { root, start } = extraRoot(path);
    const inside = root && partsIn(root, given, workspace);
    if (!root || !inside || inside.length === 0) continue;
    const isMeant = start.length > 0 ? start.join("/") === inside.join("/") : isVisible(inside);
    if (!isMeant || (pattern && start.length === 0 && !new Bun.Glob(pattern).match(inside.join("/")))) continue;
    return { path: shownPath(workspace, root, inside), root, parts: inside, isExtra: true };
  }
  return undefined;
}

const isOwnMemory = (parts: readonly string[]): boolean =>
  parts.length === 1 ? ROOT_FILES.includes(parts[0]!) : parts[0] === FOLDER && isVisible(parts);

const isVisible = (parts: readonly string[]): boolean => parts.every((part) => !part.startsWith("."));

const shownPath = (workspace: string, root: SafeRoot, parts: readonly string[]): string =>
  relative(workspace, [root.given, ...parts].join(sep))
    .split(sep)
    .join("/");

function partsIn(root: SafeRoot, path: string, from?: string): string[] | undefined {
  try {
    return root.parts(path, from);
  } catch (error) {
    if (error instanceof PathRefused) return undefined;
    throw error;
  }
}

/** Undefined when there is no such folder. */
function rootAt(path: string): SafeRoot | undefined {
  try {
    return SafeRoot.at(path, { links: "none" });
  } catch (error) {
    if (error instanceof PathRefused) return undefined;
    throw error;
  }
}

/** An extra path is a folder, or one file in a folder. */
function extraRoot(path: string): { root: SafeRoot | undefined; start: string[] } {
  const root = rootAt(path);
  if (root || !MARKDOWN.test(path)) return { root, start: [] };
  return { root: rootAt(dirname(path)), start: [basename(path)] };
}

async function walk(root: SafeRoot, at: string[], depth: number, work: Walk): Promise<void> {
  if (depth < 0) return;
  const entries = await root.list(at).catch((error: unknown) => {
    if (error instanceof PathRefused) return [];
    throw error;
  });
  for (const { name, kind } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (work.entries-- <= 0 || !work.goesOn()) return;
    if (name.startsWith(".")) continue;
    if (kind === "file" && MARKDOWN.test(name)) work.add([...at, name]);
    else if (kind === "directory") await walk(root, [...at, name], depth - 1, work);
  }
}
