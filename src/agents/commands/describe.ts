import type { CommandEntry } from "../../../generated/types.ts";
import type { Command, CommandArgument } from "./types.ts";

type Offered = NonNullable<CommandEntry["args"]>[number];

/** A command as a composer offers it (`chat.metadata`, `commands.list`). */
export function describeCommand(command: Command): CommandEntry {
  const { name, aliases = [], description, category, source = "native", usage, args, facts } = command;
  const offered = args?.map(offer) ?? (usage === undefined || source !== "native" ? [] : [argument(usage)]);
  return {
    name,
    nativeName: name,
    textAliases: [name, ...aliases].map((word) => `/${word}`),
    description,
    ...(category ? { category } : {}),
    source,
    scope: "both",
    acceptsArgs: usage !== undefined,
    ...(offered.length > 0 && { args: offered }),
    ...facts,
  };
}

const offer = ({ choices, ...facts }: CommandArgument): Offered => ({
  ...facts,
  ...(choices && { choices: choices.map((value) => ({ value, label: value })) }),
});

/** What stands behind the name, called after the first of what may stand there: `[provider/model | list]` is a model. */
function argument(usage: string): Offered {
  const description = usage.replace(/[[\]]/g, "").trim();
  const [first = description] = description.split("|");
  return { name: first.trim().split("/").at(-1)!, description, type: "string" };
}
