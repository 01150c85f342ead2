import { basename } from "node:path";
import type { Finding } from "../types.ts";

const DISPLAYED =
  "txt|md|rtf|csv|tsv|log|pdf|docx?|xlsx?|pptx?|odt|ods|odp|epub|png|jpe?g|gif|webp|bmp|tiff?|heic|svg|mp3|mp4|m4a|wav|ogg|flac|mov|avi|mkv|json|ya?ml|xml|ini|toml";
const RUN =
  "exe|scr|com|pif|bat|cmd|msi|msp|cpl|vbs|vbe|jse|wsf|wsh|hta|ps1|psm1|lnk|url|reg|jar|apk|app|dmg|pkg|deb|rpm|run|sh|bash|zsh|command|desktop|elf|appimage|workflow|scpt";
/** What people open to look at, or to read. */
const LOOKED_AT = new RegExp(`\\.(?:${DISPLAYED})$`, "i");
const DOUBLE = new RegExp(`\\.(?:${DISPLAYED})[\\s._-]{0,16}\\.(?:${RUN})$`, "i");
const PUSHED_OUT = /\S[\s\u00a0\u2000-\u200a\u3000]{4,}\.\w{1,8}$/;
const TURNED = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for
const UNSEEN = /[\x00-\x1f\x7f\u00ad\u200b\u2060-\u2064\ufeff]|[\u{e0000}-\u{e007f}]/u;

/** Whether somebody who sees the name expects something to read or look at. */
export const isLookedAt = (name: string): boolean => LOOKED_AT.test(name);

/** What a name says that is other than what people see in it. Linear: names are short and their parts bounded. */
export function nameFindings(path: string): Finding[] {
  const name = basename(path).slice(-512);
  const found: Finding[] = [];
  if (TURNED.test(path))
    found.push(finding("turned-name", 80, "The file's name is shown in another order than it has."));
  if (UNSEEN.test(path)) found.push(finding("unseen-in-name", 60, "The file's name has characters that nobody sees."));
  if (DOUBLE.test(name) || PUSHED_OUT.test(name)) {
    found.push(finding("double-extension", 70, "The file's name hides that it is run and not read."));
  }
  return found;
}

const finding = (id: string, score: number, reason: string): Finding => ({ id: `file.${id}`, score, reason });
