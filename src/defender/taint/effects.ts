import { basename } from "node:path";
import { TOOL_ENTRIES } from "../../../generated/tools.ts";
import { CREDENTIALS } from "../command/rules/paths.ts";
import type { Action } from "../types.ts";
import type { Deed } from "./asks.ts";
import { isInside } from "./sources.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** What an action would do, for the question who wanted it. */
export interface Effect {
  deed: Deed;
  /** Whom or what it is aimed at, by precise names. */
  targets: Token[];
  /** Paths, addresses or a task, as they stand in the call. */
  about: string[];
  /** A tool beside the catalogue, of which only its name and arguments are known. */
  isGuessed?: true;
}

type Args = Readonly<Record<string, unknown>>;

/** Files of a workspace that tell an agent, or a program, what to do later. */
const INSTRUCTING =
  /^(?:agents|soul|identity|user|tools|heartbeat|bootstrap|claude|gemini|copilot-instructions|\.cursorrules)(?:\.md)?$/i;
const INSTRUCTING_PLACE =
  /(?:^|\/)(?:\.git\/(?:hooks\/|config$)|skills\/|\.vscode\/(?:tasks|settings)\.json|\.envrc$|\.husky\/|\.github\/workflows\/)/i;

/** What a tool beside the catalogue does, by the words of its name. */
const NAMED: readonly (readonly [Deed, RegExp])[] = [
  [
    "pay",
    /(?:^|_)(?:pay|payment|transfer|transaction|buy|purchase|order|refund|invoice|checkout|trade|withdraw|reserve|book)|money|funds/,
  ],
  [
    "send",
    /(?:^|_)(?:send|reply|forward|post|publish|tweet|share|invite|upload|message|email|mail|notify|comment|dm|broadcast)(?:_|s?$)/,
  ],
  ["destroy", /(?:^|_)(?:delete|remove|destroy|drop|purge|trash|erase|wipe|cancel|revoke)/],
  ["run", /(?:^|_)(?:exec|execute|run|shell|bash|command|terminal|eval)(?:_|$)/],
];
/** Tools that only look, by the words of their names. */
const LOOKS =
  /(?:^|_)(?:get|list|search|read|find|view|show|query|describe|look|lookup|check|fetch|browse|count|status|info|help|summary|summari[sz]e|analy[sz]e|calculate|translate)(?:_|s?$)/;

/** The effect of a call of a tool, or null when it does not matter who wanted it. Commands are judged as such. */
export function toolEffect({ name, args }: Extract<Action, { kind: "tool" }>, workspace: string): Effect | null {
  const texts = textsOf(args);
  switch (name) {
    case "message":
      return messageEffect(args, texts);
    case "conversations_send":
    case "conversations_turn":
      return { deed: "send", targets: targetTokens(args, texts), about: texts };
    case "sessions_send":
    case "sessions_spawn":
      return { deed: "delegate", targets: tokensOf(texts.join("\n")), about: texts };
    case "read":
      return readEffect(String(args.path ?? args.file_path ?? ""), workspace);
    case "write":
    case "edit":
    case "apply_patch":
      return writeEffect(name === "apply_patch" ? patchedPaths(texts.join("\n")) : pathsOf(args), workspace);
    case "web_fetch":
      return fetchEffect(String(args.url ?? ""));
    case "browser":
      return browserEffect(args);
    case "automations":
      return args.action === "list" || args.action === "status" || args.action === "runs"
        ? null
        : { deed: "schedule", targets: tokensOf(texts.join("\n")), about: texts };
    case "gateway":
    case "plugins":
    case "openclaw":
      return /get|schema|list|status/.test(String(args.action ?? "get"))
        ? null
        : { deed: "settings", targets: [], about: texts };
    case "skill_workshop":
      return { deed: "instruct", targets: tokensOf(texts.join("\n")), about: texts };
    case "nodes":
    case "computer":
    case "mobile_ui":
      return /^(?:list|status|describe|screenshot|pending)/.test(String(args.action ?? "list"))
        ? null
        : { deed: "change", targets: tokensOf(texts.join("\n")), about: texts, isGuessed: true };
    default:
      return TOOL_ENTRIES.some((entry) => entry.name === name) ? null : guessedEffect(name, texts);
  }
}

/** Actions of `message` that only look. */
const LOOKING = /^(?:read|search|reactions|permissions|.+-(?:list|info|status|search)|list-.+)$/;

/** A message into the session's own conversation goes where its answer goes. */
function messageEffect(args: Args, texts: string[]): Effect | null {
  if (LOOKING.test(String(args.action ?? "send")) || placesOf(args).length === 0) return null;
  return { deed: "send", targets: targetTokens(args, texts), about: texts };
}

/** Sends what an address carries: the host hears it whatever it answers. */
export function fetchEffect(url: string): Effect {
  return { deed: "fetch", targets: tokensOf(url).filter(({ kind }) => kind === "host"), about: [url] };
}

function browserEffect(args: Args): Effect | null {
  const url = args.url ?? args.targetUrl;
  if (typeof url === "string") return fetchEffect(url);
  const text = textsOf(args).join("\n");
  const types = /type|fill|upload|press|submit/.test(String(args.action ?? args.kind ?? ""));
  return types ? { deed: "send", targets: tokensOf(text), about: [text], isGuessed: true } : null;
}

function readEffect(path: string, workspace: string): Effect | null {
  if (isInside(path, workspace) || !CREDENTIALS.test(path)) return null;
  return { deed: "secret", targets: [{ kind: "path", value: path.toLowerCase() }], about: [path] };
}

function writeEffect(paths: readonly string[], workspace: string): Effect | null {
  const outside = paths.filter((path) => !isInside(path, workspace));
  const steering = paths.filter((path) => INSTRUCTING.test(basename(path)) || INSTRUCTING_PLACE.test(path));
  const deed = outside.length > 0 ? "write" : "instruct";
  const about = outside.length > 0 ? outside : steering;
  if (about.length === 0) return null;
  return { deed, targets: about.map((path) => ({ kind: "path", value: path.toLowerCase() })), about };
}

/** Of a name that begins like this the rest says what is looked at. */
const BEGINS_LOOKING = /^(?:get|list|search|read|find|view|show|query|describe|lookup|fetch|count)_/;

/** The words of a tool's own name, without the server in front of it: `send_email` of `mail__sendEmail`. */
const wordsOf = (name: string): string =>
  name
    .slice(name.includes("__") ? name.indexOf("__") + 2 : 0)
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_");

function guessedEffect(name: string, texts: string[]): Effect | null {
  const plain = wordsOf(name);
  if (BEGINS_LOOKING.test(plain)) return null;
  const deed = NAMED.find(([, pattern]) => pattern.test(plain))?.[0];
  if (deed === undefined && LOOKS.test(plain)) return null;
  return { deed: deed ?? "change", targets: tokensOf(texts.join("\n")), about: texts, isGuessed: true };
}

const PLACES = [
  "to",
  "target",
  "targets",
  "recipient",
  "recipients",
  "chat",
  "chatId",
  "channelId",
  "conversation",
  "conversationId",
  "conversationRef",
  "userId",
];

/** Where a message goes, by the arguments that say so. */
const placesOf = (args: Args): string[] => PLACES.flatMap((key) => textsOf({ [key]: args[key] }));

/** The same by precise names; of a message that names no place, every precise name in it. */
function targetTokens(args: Args, texts: string[]): Token[] {
  const places = placesOf(args);
  if (places.length === 0) return tokensOf(texts.join("\n"));
  const asHandle = (place: string): Token => ({
    kind: "handle",
    value: `@${place.toLowerCase().replace(/^[@#]/, "")}`,
  });
  return places.flatMap((place) => {
    const tokens = tokensOf(place);
    return tokens.length > 0 ? tokens : [asHandle(place)];
  });
}

const pathsOf = (args: Args): string[] =>
  [args.path, args.file_path, args.file].filter((value): value is string => typeof value === "string");

const patchedPaths = (patch: string): string[] =>
  [...patch.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$/gm)].map((match) =>
    (match[1] ?? match[2])!.trim(),
  );

/** Every text in the arguments, a bounded number. */
function textsOf(value: unknown, found: string[] = [], depth = 0): string[] {
  if (found.length >= 200 || depth > 8) return found;
  if (typeof value === "string") found.push(value);
  else if (typeof value === "number") found.push(String(value));
  else if (Array.isArray(value)) for (const each of value) textsOf(each, found, depth + 1);
  else if (typeof value === "object" && value !== null)
    for (const each of Object.values(value)) textsOf(each, found, depth + 1);
  return found;
}
