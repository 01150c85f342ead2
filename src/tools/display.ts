import { entryOf } from "./registry.ts";

/** How a call is shown to people while it runs and in the list of what was done. */
export interface CallDisplay {
  /** `Read first 3 lines of AGENTS.md` */
  title: string;
  /** The same without the tool: what it works on. Absent where nothing telling is known. */
  meta?: string;
  /** True when the call runs a command, whose output is shown as such. */
  commandBearing: boolean;
}

const MOST_CHARS = 120;

/** Arguments that say best what a call works on, in this order. */
const TELLING = [
  "path",
  "command",
  "url",
  "query",
  "sessionKey",
  "action",
  "label",
  "agentId",
  "task",
  "message",
] as const;

/** The display of a call with these arguments, which may be anything. */
export function callDisplay(name: string, args: Record<string, unknown>): CallDisplay {
  const title = entryOf(name)?.title ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
  const meta = name === "read" ? readMeta(args) : tellingOf(args);
  return {
    title: meta === undefined ? title : `${title} ${meta}`,
    ...(meta ? { meta } : {}),
    commandBearing: name === "exec",
  };
}

function readMeta({ path, offset, limit }: Record<string, unknown>): string | undefined {
  const file = short(path);
  if (file === undefined) return undefined;
  if (typeof limit !== "number") return `from ${file}`;
  if (typeof offset === "number" && offset > 1) return `lines ${offset}-${offset + limit - 1} of ${file}`;
  return limit === 1 ? `first line of ${file}` : `first ${limit} lines of ${file}`;
}

function tellingOf(args: Record<string, unknown>): string | undefined {
  for (const name of TELLING) {
    const value = short(args[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The first line of a text, without what could disturb the line that it is put into. */
function short(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const line = value
    .trimStart()
    .split("\n", 1)[0]!
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .trim();
  if (line === "") return undefined;
  return line.length <= MOST_CHARS ? line : `${line.slice(0, MOST_CHARS - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
