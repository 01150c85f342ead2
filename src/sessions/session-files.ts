import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type {
  SessionFileBrowserEntry,
  SessionFileEntry,
  SessionsFilesGetParams,
  SessionsFilesGetResult,
  SessionsFilesListParams,
  SessionsFilesListResult,
} from "../../generated/types.ts";
import { imageType, isText } from "../agents/workspace/content.ts";
import { invalidRequest } from "../platform/errors.ts";
import { type FolderEntry, listLinkless, openLinkless } from "../platform/linkless-file.ts";
import type { Sessions } from "./sessions.ts";

/** Folders that a search does not look into: they hold what programs keep for themselves. */
const UNSEARCHED: ReadonlySet<string> = new Set([".git", "node_modules"]);

/**
 * `sessions.files.list`: a folder of where the session works, folders before files; or, with `search`, what below it bears
 * the text in its name. No link is followed. A folder that is not there leaves `browser` out. `files`, those that the
 * session itself read or changed, is empty as long as no tool of a turn touches files.
 * @throws GatewayError for an unknown agent
 */
export async function listSessionFiles(
  sessions: Sessions,
  { sessionKey, agentId, path, search }: SessionsFilesListParams,
): Promise<SessionsFilesListResult> {
  const root = await rootOf(sessions, sessionKey, agentId);
  if (root === null) return { sessionKey, files: [] };
  const text = search?.trim().toLowerCase();
  const browser = text ? await searched(root, text, search!.trim()) : await browsed(root, path ?? "");
  const gitCheckout = existsSync(join(root, ".git"));
  return { sessionKey, root, gitCheckout, files: [], ...(browser ? { browser } : {}) };
}

/**
 * `sessions.files.get`: a file of where the session works, text as it is, a picture in base64. What is neither, or too
 * large to show, is named without its content.
 * @throws GatewayError `session_file_not_found` for what is not there, and for what lies outside or behind a link
 */
export async function getSessionFile(
  sessions: Sessions,
  { sessionKey, agentId, path: given }: SessionsFilesGetParams,
): Promise<SessionsFilesGetResult> {
  const root = await rootOf(sessions, sessionKey, agentId);
  const parts = partsOf(given);
  const file = root === null || !parts?.length ? "missing" : await openLinkless(root, parts);
  if (typeof file === "string") {
    throw invalidRequest("session file not found", { type: "session_file_not_found", path: given });
  }
  try {
    const path = parts!.join("/");
    const { size, mtimeMs } = file.facts;
    const entry = { path, name: basename(path), kind: "read", workspacePath: path, missing: false } as const;
    const facts = { ...entry, size, updatedAtMs: Math.floor(mtimeMs) };
    const most = imageType(path) === undefined ? LIMITS.workspacePreviewBytes : LIMITS.imageMaxBytes;
    const content = size > most ? { previewKind: "unsupported" as const } : preview(path, await file.handle.readFile());
    return { sessionKey, root: root!, file: { ...facts, ...content } };
  } finally {
    await file.handle.close();
  }
}

function preview(path: string, bytes: Buffer): Partial<SessionFileEntry> {
  const mimeType = imageType(path, bytes);
  if (!mimeType && !isText(bytes)) return { previewKind: "unsupported" };
  const contentEncoding = mimeType ? "base64" : "utf8";
  return {
    mimeType: mimeType ?? "text/plain",
    contentEncoding,
    previewKind: mimeType ? "image" : "text",
    content: bytes.toString(contentEncoding),
    hash: createHash("sha256").update(bytes).digest("hex"),
  };
}

/** Where the session works; null when there is none under this key. */
export async function rootOf(
  sessions: Sessions,
  sessionKey: string,
  agentId: string | undefined,
): Promise<string | null> {
  const session = await sessions.repository.find(sessions.lookupKey(sessionKey, agentId));
  return session && (session.entry.sessionRoot ?? sessions.workspaceOf(session.agentId));
}

/** The names that a relative path consists of; undefined when it is absolute or goes up somewhere. */
export function partsOf(path: string): string[] | undefined {
  if (/^(?:[/\\]|[A-Za-z]:)/.test(path)) return undefined;
  const parts = path.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts;
}

async function browsed(root: string, given: string): Promise<SessionsFilesListResult["browser"]> {
  const parts = partsOf(given);
  const found = parts && (await listLinkless(root, parts));
  if (!found) return undefined;
  found.sort(byKindAndName);
  const page = found.slice(0, LIMITS.workspaceListMax);
  const entries = await Promise.all(page.map((entry) => described(root, [...parts, entry.name], entry.kind)));
  return {
    path: parts.join("/"),
    ...(parts.length > 0 ? { parentPath: parts.slice(0, -1).join("/") } : {}),
    entries: entries.filter((entry) => entry !== undefined),
    ...(found.length > page.length ? { truncated: true } : {}),
  };
}

/** Looks through the folders level by level, until it has enough or has seen too much. */
async function searched(root: string, text: string, search: string): Promise<SessionsFilesListResult["browser"]> {
  const hits: SessionFileBrowserEntry[] = [];
  const folders: string[][] = [[]];
  let seen = 0;
  let isWhole = true;
  for (let at = 0; at < folders.length && isWhole; at++) {
    const folder = folders[at]!;
    const entries = (await listLinkless(root, folder)) ?? [];
    for (const { name, kind } of entries.sort(byKindAndName)) {
      isWhole = ++seen <= LIMITS.sessionFilesSearched && hits.length < LIMITS.workspaceListMax;
      if (!isWhole) break;
      if (kind === "directory" && !UNSEARCHED.has(name)) folders.push([...folder, name]);
      const hit = name.toLowerCase().includes(text) ? await described(root, [...folder, name], kind) : undefined;
      if (hit) hits.push(hit);
    }
  }
  return { path: "", search, entries: hits, ...(isWhole ? {} : { truncated: true }) };
}

/** Undefined when it went away since its folder was read. */
async function described(
  root: string,
  parts: readonly string[],
  kind: FolderEntry["kind"],
): Promise<SessionFileBrowserEntry | undefined> {
  try {
    const { size, mtimeMs } = await lstat(join(root, ...parts));
    const path = parts.join("/");
    const sized = kind === "file" ? { size } : {};
    return { path, name: basename(path), kind, ...sized, updatedAtMs: Math.floor(mtimeMs) };
  } catch {
    return undefined;
  }
}

const names = new Intl.Collator("en");

const byKindAndName = (a: FolderEntry, b: FolderEntry): number =>
  a.kind === b.kind ? names.compare(a.name, b.name) : a.kind === "directory" ? -1 : 1;
