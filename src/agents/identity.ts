import { extname, isAbsolute } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type { AgentIdentityResult } from "../../generated/types.ts";
import { readInside } from "../platform/read-inside.ts";
import { workspaceFiles } from "./context/workspace-files.ts";
import type { AgentSettings } from "./roster.ts";

/** The name and picture of an agent that nobody has named. */
const NAMELESS = { name: "Assistant", avatar: "A" } as const;

const IMAGE_TYPES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".svg": "image/svg+xml",
};

/** What an avatar setting comes to: the picture if there is one, and what to say of it. */
interface Avatar {
  avatar?: string;
  avatarSource?: string;
  avatarStatus?: "none" | "local" | "remote" | "data";
  avatarReason?: string;
}

/**
 * Who an agent is, for `agent.identity.get`: what the configuration says, below that the workspace's `IDENTITY.md`,
 * below that a nameless assistant. As upstream, the entry's own `name` is not part of it.
 */
export async function identityOf(
  id: string,
  agent: AgentSettings | undefined,
  workspace: string,
): Promise<AgentIdentityResult> {
  const configured = agent?.identity ?? {};
  const written = await readIdentityFile(workspace);
  const name = configured.name ?? written.name;
  const emoji = configured.emoji ?? written.emoji;
  const setting = configured.avatar ?? written.avatar;
  const picture = setting ? await avatarOf(setting, workspace) : {};
  return {
    agentId: id,
    name: name ?? NAMELESS.name,
    nameSource: configured.name ? "agent" : written.name ? "workspace" : "default",
    ...picture,
    avatar: picture.avatar ?? emoji ?? NAMELESS.avatar,
    ...(emoji ? { emoji } : {}),
  };
}

/** The address under which a client can show the configured avatar: as given, or the local image as a data URL. */
export async function avatarUrl(setting: string, workspace: string): Promise<string | undefined> {
  const { avatar, avatarStatus } = await avatarOf(setting, workspace);
  return avatarStatus === undefined || avatarStatus === "none" ? undefined : avatar;
}

async function avatarOf(setting: string, workspace: string): Promise<Avatar> {
  if (/^https?:\/\//i.test(setting)) return { avatar: setting, avatarSource: "remote URL", avatarStatus: "remote" };
  if (/^data:/i.test(setting)) {
    const comma = setting.indexOf(",");
    return { avatar: setting, avatarSource: `${setting.slice(0, comma < 0 ? 5 : comma)},...`, avatarStatus: "data" };
  }
  const looksLikePath = setting.includes("/") || setting.includes("\\") || extname(setting) !== "";
  if (!looksLikePath) return { avatar: setting };
  const image = await localImage(setting, workspace);
  return typeof image === "string"
    ? { avatarSource: setting, avatarStatus: "none", avatarReason: image }
    : { avatar: image.url, avatarSource: setting, avatarStatus: "local" };
}

/** The image as a data URL, or why it cannot be shown. It must lie in the workspace, also after following links. */
async function localImage(setting: string, workspace: string): Promise<{ url: string } | string> {
  const type = IMAGE_TYPES[extname(setting).toLowerCase()];
  if (!type) return "unsupported_extension";
  if (isAbsolute(setting)) return "outside_workspace";
  const bytes = await readInside(workspace, setting, LIMITS.agentAvatarBytes);
  return typeof bytes === "string" ? bytes : { url: `data:${type};base64,${bytes.toString("base64")}` };
}

/** Name, emoji and avatar out of `IDENTITY.md`: lines `- Label: value`, marks and unfilled placeholders ignored. */
async function readIdentityFile(workspace: string): Promise<{ name?: string; emoji?: string; avatar?: string }> {
  const bytes = await workspaceFiles.read(workspace, "IDENTITY.md", LIMITS.agentIdentityBytes);
  if (typeof bytes === "string") return {};
  const fields: Record<string, string> = {};
  for (const line of bytes.toString("utf8").split(/\r?\n/)) {
    const match = /^\s*-\s*\**\s*([A-Za-z]+)\s*:?\s*\**\s*:?\s*(.*)$/.exec(line);
    if (!match) continue;
    const value = match[2]!.replace(/^[*_\s]+|[*_\s]+$/g, "");
    if (value !== "" && !/^\(.*\)$/.test(value)) fields[match[1]!.toLowerCase()] ??= value;
  }
  return { name: fields.name, emoji: fields.emoji, avatar: fields.avatar };
}
