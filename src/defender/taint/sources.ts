import { isAbsolute, resolve } from "node:path";

/** Tools whose results are words of whoever wrote the page, the mail, the chat. */
const FOREIGN_TOOLS: ReadonlySet<string> = new Set([
  "web_fetch",
  "web_search",
  "x_search",
  "browser",
  "screen",
  "computer",
  "mobile_ui",
  "nodes",
  "pdf",
  "view_image",
  "conversations_list",
  "conversations_turn",
  "message",
  "portal",
  "subagents",
  "agents_wait",
]);
/** Tools of the gateway whose results are its own facts or the agent's own work. */
const OWN_TOOLS: ReadonlySet<string> = new Set([
  "ls",
  "write",
  "edit",
  "apply_patch",
  "code_execution",
  "secrets",
  "memory_search",
  "memory_get",
  "sessions",
  "sessions_list",
  "sessions_spawn",
  "sessions_send",
  "sessions_yield",
  "session_status",
  "suggest_task",
  "dismiss_task",
  "theme",
  "dashboard",
  "terminal",
  "canvas",
  "show_widget",
  "heartbeat_respond",
  "automations",
  "gateway",
  "plugins",
  "openclaw",
  "agents_list",
  "get_goal",
  "create_goal",
  "update_goal",
  "progress_card",
  "ask_user",
  "skill_workshop",
  "image_generate",
  "music_generate",
  "video_generate",
  "tts",
]);
/** Programs that print what others wrote somewhere else. */
const NETWORK_READER =
  /(?:^|[\s;|&(`$/'"])(?:curl|wget|https?|xh|gh|glab|lynx|w3m|links2?|elinks|ftp|sftp|scp|rsync|ssh|nc|ncat|telnet|dig|whois|himalaya|mutt|neomutt|notmuch|mbsync|fetchmail|yt-dlp|youtube-dl|aria2c|gcloud|aws|az|kubectl|npm (?:view|info|show)|git (?:fetch|pull|clone|ls-remote))\b|https?:\/\//;
/** Session keys that name a channel: what is said there may be a stranger's. */
const CHANNEL_SESSION = /^agent:[^:]+:[^:]+:(?:group|channel|direct|dm):/;

/**
 * Whether what a call returned are words of strangers. A file of the workspace is the owner's; one outside of it, a page, a
 * mail, a chat and what a program fetched are not, nor is what tools beside the catalogue bring.
 */
export function isForeignResult(name: string, args: Readonly<Record<string, unknown>>, workspace: string): boolean {
  if (FOREIGN_TOOLS.has(name)) return true;
  if (OWN_TOOLS.has(name)) return false;
  switch (name) {
    case "read":
      return !isInside(String(args.path ?? args.file_path ?? ""), workspace);
    case "exec":
      return NETWORK_READER.test(String(args.command ?? ""));
    case "process":
      return args.action !== "list" && args.action !== "kill";
    case "sessions_history":
      return CHANNEL_SESSION.test(String(args.sessionKey ?? ""));
    case "sessions_search":
      return true;
    default:
      return true;
  }
}

/** Whether a path, as models write them, lies in the workspace. */
export function isInside(path: string, workspace: string): boolean {
  const plain = path
    .trim()
    .replace(/^@/, "")
    .replace(/^file:\/\//, "");
  if (plain.startsWith("~") || plain.startsWith("$")) return false;
  const absolute = isAbsolute(plain) ? resolve(plain) : resolve(workspace, plain);
  return absolute === workspace || absolute.startsWith(`${workspace}/`);
}
