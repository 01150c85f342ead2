import { createHash } from "node:crypto";
import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type {
  AgentsFileEntry,
  AgentsFilesGetParams,
  AgentsFilesGetResult,
  AgentsFilesListParams,
  AgentsFilesListResult,
  AgentsFilesSetParams,
  AgentsFilesSetResult,
} from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { openLinkless } from "../../platform/linkless-file.ts";
import { makePrivateDirectory, writePrivateFile } from "../../platform/private-file.ts";
import type { AgentCatalogue } from "../catalogue.ts";

/** The files that clients may read and write, in the order in which they are listed (docs: concepts/agent-workspace). */
const LISTED = ["AGENTS.md", "SOUL.md", "USER.md", "BOOTSTRAP.md", "MEMORY.md"] as const;
const NAMES: ReadonlySet<string> = new Set([...LISTED, "IDENTITY.md"]);
/** A workspace is expected to have these; whether the others are there is the agent's affair. */
const EXPECTED: ReadonlySet<string> = new Set(["AGENTS.md", "BOOTSTRAP.md"]);

/** A file as it is on disk. */
interface Content {
  bytes: Buffer;
  updatedAtMs: number;
}

/** The files that make up an agent, for `agents.files.*`. One that is a link or has a second name is not touched. */
export class AgentFiles {
  constructor(private readonly agents: Pick<AgentCatalogue, "required">) {}

  /** @throws GatewayError `agent "x" not found` */
  async list({ agentId }: AgentsFilesListParams): Promise<AgentsFilesListResult> {
    const { id, workspace } = this.agents.required(agentId);
    return {
      agentId: id,
      workspace,
      files: await Promise.all(LISTED.map((name) => entry(workspace, name))),
    };
  }

  /** @throws GatewayError for an unknown agent, a name that is not one of the files, and one that must not be opened */
  async get(params: AgentsFilesGetParams): Promise<AgentsFilesGetResult> {
    const { id, workspace } = this.agents.required(params.agentId);
    const name = fileName(params.name);
    const content = await read(workspace, name);
    return { agentId: id, workspace, file: content ? shown(workspace, name, content) : absent(workspace, name) };
  }

  /**
   * Puts the text in the place of the file, whole or not at all.
   * @throws GatewayError as `get` does, and `agent_file_conflict` when the file is not the one of `expectedHash`
   */
  async set(params: AgentsFilesSetParams): Promise<AgentsFilesSetResult> {
    const { id, workspace } = this.agents.required(params.agentId);
    const name = fileName(params.name);
    const bytes = Buffer.from(params.content);
    if (bytes.length > LIMITS.agentFileBytes) throw tooLarge(name);
    const { expectedHash } = params;
    // Also without an expectation: what may not be read may not be replaced.
    const before = await read(workspace, name);
    const currentHash = before && hashOf(before.bytes);
    if (expectedHash !== undefined && currentHash !== expectedHash.toLowerCase()) {
      throw invalidRequest(`agent file "${name}" changed since it was read`, {
        type: "agent_file_conflict",
        name,
        ...(currentHash ? { currentHash } : {}),
      });
    }
    makePrivateDirectory(workspace);
    const path = join(await realpath(workspace), name);
    writePrivateFile(path, params.content);
    const { mtimeMs } = await lstat(path);
    return {
      ok: true,
      agentId: id,
      workspace,
      file: shown(workspace, name, { bytes, updatedAtMs: Math.floor(mtimeMs) }),
    };
  }
}

function fileName(given: string): string {
  const name = given.trim();
  if (!NAMES.has(name)) throw invalidRequest(`unsupported file "${name}"`);
  return name;
}

/** Undefined when there is no such file. */
async function read(workspace: string, name: string): Promise<Content | undefined> {
  const file = await openLinkless(workspace, [name]);
  if (file === "missing") return undefined;
  if (file === "unsafe") throw invalidRequest(`unsafe workspace file "${name}"`);
  try {
    if (file.facts.size > LIMITS.agentFileBytes) throw tooLarge(name);
    return { bytes: await file.handle.readFile(), updatedAtMs: Math.floor(file.facts.mtimeMs) };
  } finally {
    await file.handle.close();
  }
}

/** A file without its content. What must not be opened is shown as missing, as upstream does. */
async function entry(workspace: string, name: string): Promise<AgentsFileEntry> {
  const file = await openLinkless(workspace, [name]);
  if (typeof file === "string") return absent(workspace, name);
  await file.handle.close();
  const { size, mtimeMs } = file.facts;
  return { name, path: join(workspace, name), missing: false, size, updatedAtMs: Math.floor(mtimeMs) };
}

const absent = (workspace: string, name: string): AgentsFileEntry => ({
  name,
  path: join(workspace, name),
  missing: true,
  expectedAbsent: !EXPECTED.has(name),
});

const shown = (workspace: string, name: string, { bytes, updatedAtMs }: Content): AgentsFileEntry => ({
  name,
  path: join(workspace, name),
  missing: false,
  size: bytes.length,
  updatedAtMs,
  hash: hashOf(bytes),
  content: bytes.toString("utf8"),
});

const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const tooLarge = (name: string) =>
  invalidRequest(`agent file "${name}" is larger than ${LIMITS.agentFileBytes} bytes`, {
    type: "agent_file_too_large",
    name,
    maxBytes: LIMITS.agentFileBytes,
  });
