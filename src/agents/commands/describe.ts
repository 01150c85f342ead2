import type { ChatCommand } from "../../../generated/types.ts";
import type { Command, CommandArgument } from "./types.ts";

/** A command as a composer offers it (`chat.metadata`). */
export function describeCommand({ name, aliases = [], description, category, usage, args }: Command): ChatCommand {
  const offered = args?.map(offer) ?? (usage === undefined ? [] : [argument(usage)]);
  return {
    name,
    nativeName: name,
    textAliases: [name, ...aliases].map((word) => `/${word}`),
    description,
    category,
    source: "native",
    scope: "both",
    acceptsArgs: usage !== undefined,
    ...(offered.length > 0 && { args: offered }),
  };
}

const offer = ({ choices, ...facts }: CommandArgument): NonNullable<ChatCommand["args"]>[number] => ({
  ...facts,
  ...(choices && { choices: choices.map((value) => ({ value, label: value })) }),
});

/** What stands behind the name, called after the first of what may stand there: `[provider/model | list]` is a model. */
function argument(usage: string): NonNullable<ChatCommand["args"]>[number] {
  const description = usage.replace(/[[\]]/g, "").trim();
  const [first = description] = description.split("|");
  return { name: first.trim().split("/").at(-1)!, description, type: "string" };
}
