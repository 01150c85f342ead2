import type { ChatCommand } from "../../../generated/types.ts";
import type { Command } from "./types.ts";

/** A command as a composer offers it (`chat.metadata`). */
export function describeCommand({ name, aliases = [], description, category, usage }: Command): ChatCommand {
  return {
    name,
    nativeName: name,
    textAliases: [name, ...aliases].map((word) => `/${word}`),
    description,
    category,
    source: "native",
    scope: "both",
    acceptsArgs: usage !== undefined,
    ...(usage === undefined ? {} : { args: [argument(usage)] }),
  };
}

/** What stands behind the name, called after the first of what may stand there: `[provider/model | list]` is a model. */
function argument(usage: string): NonNullable<ChatCommand["args"]>[number] {
  const description = usage.replace(/[[\]]/g, "").trim();
  const [first = description] = description.split("|");
  return { name: first.trim().split("/").at(-1)!, description, type: "string" };
}
