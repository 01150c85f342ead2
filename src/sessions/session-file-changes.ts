import { createHash } from "node:crypto";
import { basename } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type {
  SessionsFilesRevealParams,
  SessionsFilesRevealResult,
  SessionsFilesSetParams,
  SessionsFilesSetResult,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { changeFiles } from "../platform/fs-safe/changes.ts";
import { PathRefused } from "../platform/fs-safe/refusal.ts";
import { SafeRoot } from "../platform/fs-safe/root.ts";
import { openLinkless } from "../platform/linkless-file.ts";
import { partsOf, rootOf } from "./session-files.ts";
import type { Sessions } from "./sessions.ts";

/**
 * `sessions.files.set`: new text for a file of where the session works, if the file is still as it was read. Only files
 * that are there are written, and none behind a link (measured on 2026.9.6).
 * @throws GatewayError `session_file_not_found`, or `session_file_conflict` with the hash of what is there now
 */
export async function setSessionFile(
  sessions: Sessions,
  { sessionKey, agentId, path: given, content, expectedHash }: SessionsFilesSetParams,
): Promise<SessionsFilesSetResult> {
  const root = await rootOf(sessions, sessionKey, agentId);
  const parts = partsOf(given);
  const file = root === null || !parts?.length ? "missing" : await openLinkless(root, parts);
  if (typeof file === "string") throw notFound(given);
  const { facts } = file;
  try {
    if (facts.size > LIMITS.workspacePreviewBytes) throw conflict(given, undefined);
    const currentHash = hashOf(await file.handle.readFile());
    if (currentHash !== expectedHash) throw conflict(given, currentHash);
  } finally {
    await file.handle.close();
  }
  const bytes = Buffer.from(content, "utf8");
  if (bytes.length > LIMITS.workspacePreviewBytes) {
    throw invalidRequest(`session file content exceeds ${LIMITS.workspacePreviewBytes} bytes`);
  }
  try {
    await changeFiles(SafeRoot.at(root!, { links: "none" }), [{ parts: parts!, bytes, before: facts }]);
  } catch (error) {
    if (!(error instanceof PathRefused)) throw error;
    throw error.problem === "changed" ? conflict(given, undefined) : notFound(given);
  }
  const path = parts!.join("/");
  const written = await openLinkless(root!, parts!);
  if (typeof written === "string") throw notFound(given);
  const { size, mtimeMs } = written.facts;
  await written.handle.close();
  const kind = "modified";
  const entry = { path, name: basename(path), kind, workspacePath: path, missing: false, size } as const;
  return {
    sessionKey,
    root: root!,
    file: { ...entry, updatedAtMs: Math.floor(mtimeMs), hash: hashOf(bytes) },
  };
}

/**
 * `sessions.files.reveal`: would open the folder on the screen of this machine. The gateway starts no programs for a
 * client that may be far away; it says where the folder is.
 * @throws GatewayError for an unknown agent
 */
export async function revealSessionFiles(
  sessions: Sessions,
  { key, agentId }: SessionsFilesRevealParams,
): Promise<SessionsFilesRevealResult> {
  const path = await rootOf(sessions, key, agentId);
  if (path === null) return { ok: false, error: "No workspace root is available for this session." };
  return { ok: false, path, error: "This gateway opens no windows; the folder is at the path." };
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const notFound = (path: string) => invalidRequest("session file not found", { type: "session_file_not_found", path });

const conflict = (path: string, currentHash: string | undefined) =>
  invalidRequest("session file changed since it was read", {
    type: "session_file_conflict",
    path,
    ...(currentHash !== undefined && { currentHash }),
  });
