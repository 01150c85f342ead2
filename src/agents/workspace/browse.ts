import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type {
  AgentsWorkspaceEntry,
  AgentsWorkspaceGetParams,
  AgentsWorkspaceGetResult,
  AgentsWorkspaceListParams,
  AgentsWorkspaceListResult,
} from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { type FolderEntry, listLinkless, openLinkless } from "../../platform/linkless-file.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { imageType, isText } from "./content.ts";
import { insidePath } from "./path.ts";

/**
 * Reads an agent's workspace for `agents.workspace.*`: folders by pages, and single files as text or picture. Nothing
 * outside is reached: no link is followed, and a file with a second name is not opened.
 */
export class WorkspaceBrowser {
  constructor(private readonly agents: Pick<AgentCatalogue, "required">) {}

  /**
   * A page of a folder, folders before files, each by name.
   * @throws GatewayError for an unknown agent (`agent "x" not found`), a path that leads out of the workspace
   *   (`workspace_path_invalid`) and a folder that is not there (`workspace_path_not_found`)
   */
  async list(params: AgentsWorkspaceListParams): Promise<AgentsWorkspaceListResult> {
    const { id, workspace } = this.agents.required(params.agentId);
    const { path, parts } = insidePath(params.path ?? "");
    const found = parts && (await listLinkless(workspace, parts));
    if (!found) throw refused("workspace directory not found", "workspace_path_not_found", path);
    found.sort(byKindAndName);
    const offset = Math.min(params.offset ?? 0, found.length);
    const limit = Math.min(params.limit ?? LIMITS.workspaceListDefault, LIMITS.workspaceListMax);
    const page = found.slice(offset, offset + limit);
    const entries = await Promise.all(page.map((entry) => described(join(workspace, path), path, entry)));
    const parent = parts.slice(0, -1).join("/");
    return {
      agentId: id,
      path,
      ...(parts.length > 0 ? { parentPath: parent } : {}),
      entries: entries.filter((entry) => entry !== undefined),
      totalEntries: found.length,
      offset,
    };
  }

  /**
   * A file's content: text as it is, a PNG, JPEG, GIF or WebP picture in base64.
   * @throws GatewayError as `list` does, and for a file that is too large (`workspace_file_too_large`) or neither text
   *   nor picture (`workspace_file_unsupported`)
   */
  async get(params: AgentsWorkspaceGetParams): Promise<AgentsWorkspaceGetResult> {
    const { id, workspace } = this.agents.required(params.agentId);
    const { path, parts } = insidePath(params.path);
    const file = parts?.length ? await openLinkless(workspace, parts) : "missing";
    if (typeof file === "string") throw refused("workspace file not found", "workspace_file_not_found", path);
    try {
      const { size, mtimeMs } = file.facts;
      const mayBeImage = imageType(path) !== undefined;
      const maxBytes = mayBeImage ? LIMITS.imageMaxBytes : LIMITS.workspacePreviewBytes;
      if (size > maxBytes) {
        throw refused("workspace file is too large to preview", "workspace_file_too_large", path, { maxBytes, size });
      }
      const bytes = await file.handle.readFile();
      const type = imageType(path, bytes);
      if (!type && !isText(bytes)) {
        throw refused("workspace file is not UTF-8 text or a supported image", "workspace_file_unsupported", path);
      }
      return {
        agentId: id,
        file: {
          path,
          name: basename(path),
          size: bytes.length,
          updatedAtMs: Math.floor(mtimeMs),
          mimeType: type ?? "text/plain",
          encoding: type ? "base64" : "utf8",
          content: bytes.toString(type ? "base64" : "utf8"),
        },
      };
    } finally {
      await file.handle.close();
    }
  }
}

/** Undefined when it went away since the folder was read. */
async function described(
  folder: string,
  path: string,
  { name, kind }: FolderEntry,
): Promise<AgentsWorkspaceEntry | undefined> {
  try {
    const facts = await lstat(join(folder, name));
    return {
      path: path === "" ? name : `${path}/${name}`,
      name,
      kind,
      ...(kind === "file" ? { size: facts.size } : {}),
      updatedAtMs: Math.floor(facts.mtimeMs),
    };
  } catch {
    return undefined;
  }
}

const names = new Intl.Collator("en");

const byKindAndName = (a: FolderEntry, b: FolderEntry): number =>
  a.kind === b.kind ? names.compare(a.name, b.name) : a.kind === "directory" ? -1 : 1;

const refused = (message: string, type: string, path: string, more: object = {}) =>
  invalidRequest(message, { type, path, ...more });
