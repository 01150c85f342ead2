import type { ModelEntry } from "../models/catalogue.ts";
import type { ThinkingFacts } from "../models/thinking.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { SessionEntry } from "./entry.ts";
import { keyFacts } from "./keys.ts";

/** What the checks of a field may look at. */
export interface FieldContext {
  key: string;
  entry: SessionEntry;
  now: number;
  roster: { defaultId: string; mainKey: string };
  model: ModelEntry | null;
  thinking: ThinkingFacts;
}

/** Gives the value to store, `undefined` to store none. @throws GatewayError for a value that cannot be */
type Field = (value: unknown, context: FieldContext, name: string) => unknown;

const ICONS = ["braces", "book", "monitor", "bot", "kanban", "coins"];
const COLORS = ["red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan"];
const MAX_ICON_CHARS = 16 * 1024;

/** Text without blanks around it; blanks alone are refused. */
const text: Field = (value, _context, name) => {
  const trimmed = String(value).trim();
  if (trimmed === "") throw invalidRequest(`invalid ${name}: empty`);
  return trimmed;
};

const asGiven: Field = (value) => value;

/** One of a few words, in any case. */
const oneOf =
  (...words: string[]): Field =>
  (value, _context, name) => {
    const word = String(value).trim().toLowerCase();
    if (!words.includes(word)) {
      throw invalidRequest(`invalid ${name} (use ${words.map((known) => `"${known}"`).join("|")})`);
    }
    return word;
  };

/** Only sessions that another session steers have these. */
const steered =
  (inner: Field): Field =>
  (value, context, name) => {
    const { classification } = keyFacts(context.key, context.roster);
    if (classification !== "subagent" && classification !== "acp") {
      throw invalidRequest(`${name} is only supported for subagent:* or acp:* sessions`);
    }
    return inner(value, context, name);
  };

const once: Field = (value, { entry }, name) => {
  const known = entry[name as keyof SessionEntry];
  if (known !== undefined && known !== value) throw invalidRequest(`${name} cannot be changed once set`);
  return text(value, {} as FieldContext, name);
};

const thinkingLevel: Field = (value, { model, thinking }) => {
  const level = String(value).trim().toLowerCase();
  const options = thinking.thinkingOptions;
  if (options.includes(level)) return level;
  const use = `(use ${options.join(", ")})`;
  if (!THINKING_WORDS.has(level)) throw invalidRequest(`invalid thinkingLevel ${use}`);
  const name = model ? `${model.provider}/${model.id}` : "this session";
  throw invalidRequest(`thinkingLevel "${level}" is not supported for ${name} ${use}`);
};

const THINKING_WORDS = new Set(["off", "minimal", "low", "medium", "high", "xhigh", "max", "adaptive", "ultra"]);

const contextWindow: Field = (value, { model }) => {
  const name = model ? `${model.provider}/${model.id}` : "this session";
  throw invalidRequest(`contextWindow "${value}" is not supported for ${name}`);
};

const icon: Field = (value) => {
  const given = String(value).trim();
  if (given === "") return undefined;
  if (ICONS.includes(given) || isEmoji(given) || isPlainSvg(given)) return given;
  throw invalidRequest(
    `icon must be a single emoji, a named icon (${ICONS.join(", ")}), or self-contained SVG markup/data URL up to 16 KiB`,
  );
};

const color: Field = (value) => {
  const name = String(value).trim().toLowerCase();
  if (!COLORS.includes(name)) throw invalidRequest(`color must be one of: ${COLORS.join(", ")}`);
  return name;
};

const pinned: Field = (value, { entry, now }) => {
  if (value !== true) return undefined;
  if (entry.parentSessionId !== undefined || entry.spawnedBy !== undefined) {
    throw invalidRequest("cannot pin a child session; pin its parent session instead");
  }
  return entry.pinnedAt ?? now;
};

/** A field of `sessions.patch` that is kept in the record as it is. */
export interface PatchField {
  /** Under which name the record keeps it; the param's own unless told. */
  as?: keyof SessionEntry;
  check: Field;
}

/**
 * The fields of `sessions.patch` that stand for themselves, with what is checked beyond the schema; null clears one.
 * Texts and words as upstream answers them (recordings of sessions.patch).
 */
export const PATCH_FIELDS: Readonly<Record<string, PatchField>> = {
  label: { check: text },
  icon: { check: icon },
  color: { check: color },
  category: { check: text },
  boardFace: { check: asGiven },
  pinned: { as: "pinnedAt", check: pinned },
  contextWindow: { check: contextWindow },
  thinkingLevel: { check: thinkingLevel },
  fastMode: { check: asGiven },
  toolOverrides: { check: (value) => (Object.keys(value as object).length === 0 ? undefined : value) },
  verboseLevel: { check: oneOf("on", "off", "full") },
  traceLevel: { check: oneOf("on", "off", "raw") },
  reasoningLevel: { check: oneOf("on", "off", "stream") },
  responseUsage: { check: (value) => (value === "on" ? "tokens" : value) },
  elevatedLevel: { check: oneOf("on", "off", "ask", "full") },
  execHost: { check: oneOf("auto", "sandbox", "gateway", "node") },
  execNode: { check: text },
  permissionMode: { check: asGiven },
  completionOwnerSessionKey: { check: steered(once) },
  inheritedToolPolicyVersion: { check: steered(asGiven) },
  inheritedToolAllow: { check: steered(asGiven) },
  inheritedToolDeny: { check: steered(asGiven) },
  sendPolicy: { check: asGiven },
  groupActivation: { check: asGiven },
};

/** What `operator.write` may change; anything else needs `operator.admin` (docs: gateway/protocol, sessions.patch). */
export const WRITE_FIELDS: ReadonlySet<string> = new Set([
  "key",
  "agentId",
  "expectedSessionId",
  "expectedLifecycleRevision",
  "expectedPermissionMode",
  "expectedMarkedUnreadAt",
  "label",
  "icon",
  "color",
  "category",
  "boardFace",
  "archived",
  "pinned",
  "unread",
  "model",
  "thinkingLevel",
  "fastMode",
]);

const segmenter = new Intl.Segmenter();

function isEmoji(value: string): boolean {
  if (!/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(value)) return false;
  return [...segmenter.segment(value)].length === 1;
}

/** SVG that runs nothing and fetches nothing: a client draws it for everybody who sees the session. */
function isPlainSvg(value: string): boolean {
  if (value.length > MAX_ICON_CHARS) return false;
  const markup = svgMarkup(value);
  if (markup === null || !/^<svg[\s>/]/i.test(markup.trim())) return false;
  if (/<\s*(script|foreignobject|iframe|object|embed|image|use|style|animate|set)\b/i.test(markup)) return false;
  if (/\son[a-z]+\s*=/i.test(markup) || /<[!?]/.test(markup)) return false;
  return !/(href|src)\s*=|url\s*\(|javascript:|data:/i.test(markup);
}

function svgMarkup(value: string): string | null {
  if (!value.startsWith("data:")) return value;
  const [, encoding, body] = /^data:image\/svg\+xml(?:;charset=utf-8)?(;base64)?,(.*)$/s.exec(value) ?? [];
  if (body === undefined) return null;
  if (encoding !== undefined) return Buffer.from(body, "base64").toString("utf8");
  try {
    return decodeURIComponent(body);
  } catch {
    return null;
  }
}
