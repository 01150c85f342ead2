import type { SessionsPatchParams } from "../../../generated/types.ts";
import { GatewayError } from "../../platform/errors.ts";
import type { SessionEntry } from "../../sessions/entry.ts";
import { patchScope } from "../../sessions/scopes.ts";
import type { Command, CommandCall, CommandDeps, CommandReply, CommandScope } from "./types.ts";

/** Words that take a choice back. */
const BACK: ReadonlySet<string> = new Set(["default", "inherit", "reset", "clear"]);

interface Setting {
  name: string;
  aliases?: readonly string[];
  description: string;
  category?: Command["category"];
  /** What is set, as answers call it. */
  title: string;
  field: keyof SessionsPatchParams & keyof SessionEntry;
  /** What may be said, and what is stored for it. */
  words: Readonly<Record<string, unknown>>;
  /** What counts where nothing is set. */
  otherwise: string;
}

/** A command for one of a session's settings: alone it shows it, with a word behind it sets it. */
function setting({ title, field, words, otherwise, ...facts }: Setting): Command {
  const choices = Object.keys(words);
  return {
    category: "options",
    ...facts,
    usage: `[${choices.join(" | ")} | default]`,
    args: [{ name: "mode", description: choices.join(", "), type: "string", choices }],
    scope: changeScope(field),
    async run({ args, sessionKey }, { settings }) {
      const word = args.toLowerCase();
      if (word === "") {
        const stored = (await settings.read(sessionKey))[field];
        const [shown] = Object.entries(words).find(([, value]) => value === stored) ?? [otherwise];
        return { text: `${title}: ${shown}\nChoices: ${choices.join(", ")}, default` };
      }
      if (BACK.has(word)) {
        await settings.patch({ key: sessionKey, [field]: null });
        return { text: `${title}: ${otherwise}, the default.` };
      }
      if (!Object.hasOwn(words, word)) return { text: `"${args}" is none of ${choices.join(", ")}, default.` };
      await settings.patch({ key: sessionKey, [field]: words[word] });
      return { text: `${title}: ${word}.` };
    },
  };
}

/** To look needs little; to change what `sessions.patch` would need. */
const changeScope =
  (...fields: string[]) =>
  (args: string): CommandScope =>
    args === ""
      ? "operator.read"
      : (patchScope(Object.fromEntries(fields.map((field) => [field, true]))) as CommandScope);

/** Settings of a session: what is kept goes by `sessions.patch`, so that its checks and events are the same. */
export const OPTION_COMMANDS: readonly Command[] = [
  setting({
    name: "verbose",
    aliases: ["v"],
    description: "Toggle verbose mode.",
    title: "Verbose",
    field: "verboseLevel",
    words: { on: "on", off: "off", full: "full" },
    otherwise: "off",
  }),
  setting({
    name: "reasoning",
    aliases: ["reason"],
    description: "Show or set whether a model's thoughts are shown.",
    title: "Reasoning",
    field: "reasoningLevel",
    words: { on: "on", off: "off", stream: "stream" },
    otherwise: "off",
  }),
  setting({
    name: "send",
    description: "Set send policy.",
    category: "management",
    title: "Sending into this session",
    field: "sendPolicy",
    words: { on: "allow", off: "deny" },
    otherwise: "as the configuration says",
  }),
  {
    name: "exec",
    description: "Show or set where commands of this session run.",
    category: "options",
    usage: "[host=<auto|sandbox|gateway|node>] [node=<id>]",
    args: [
      { name: "host", description: "Where", type: "string", choices: ["auto", "sandbox", "gateway", "node"] },
      { name: "node", description: "Node id or name", type: "string" },
    ],
    scope: changeScope("execHost", "execNode"),
    run: exec,
  },
  {
    name: "name",
    description: "Show or set the session's name.",
    category: "session",
    usage: "[title]",
    args: [{ name: "title", description: "Its name", type: "string" }],
    scope: changeScope("label"),
    run: name,
  },
];

async function exec({ args, sessionKey }: CommandCall, { settings }: CommandDeps): Promise<CommandReply> {
  if (args === "") {
    const { execHost = "auto", execNode } = await settings.read(sessionKey);
    return { text: `Commands run on: ${execHost}${execNode ? ` (node ${execNode})` : ""}` };
  }
  const change: Record<string, string | null> = {};
  for (const word of args.split(/\s+/)) {
    const [, option, value = ""] = /^(host|node)[=:](.+)$/i.exec(word) ?? [];
    if (option === undefined) return { text: `"${word}" is none of host=<auto|sandbox|gateway|node>, node=<id>.` };
    const field = option.toLowerCase() === "host" ? "execHost" : "execNode";
    change[field] = BACK.has(value.toLowerCase()) ? null : value;
  }
  return refused(async () => {
    await settings.patch({ key: sessionKey, ...change });
    const said = Object.entries(change).map(
      ([field, value]) => `${field.slice(4).toLowerCase()} ${value ?? "default"}`,
    );
    return `Commands run with ${said.join(", ")} from now on.`;
  });
}

async function name({ args, sessionKey }: CommandCall, { settings }: CommandDeps): Promise<CommandReply> {
  if (args === "") {
    const { label } = await settings.read(sessionKey);
    return {
      text: label ? `This session is called "${label}".` : "This session has no name. Give it one: /name <title>",
    };
  }
  return refused(async () => {
    await settings.patch({ key: sessionKey, label: args });
    return `This session is called "${args}" from now on.`;
  });
}

/** What was done, or why it was not. */
async function refused(change: () => Promise<string>): Promise<CommandReply> {
  try {
    return { text: await change() };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { text: `⚠️ ${error.message}` };
  }
}
