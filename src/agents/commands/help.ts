import type { Command } from "./types.ts";

const TITLES = {
  session: "Session",
  options: "Options",
  status: "Status",
  management: "Management",
  media: "Media",
  tools: "Tools",
} as const;

/** `/help` and `/commands`, over all commands, themselves included. */
export function helpCommands(all: () => readonly Command[]): readonly Command[] {
  return [
    {
      name: "help",
      description: "Show available commands.",
      category: "status",
      scope: "operator.read",
      run: async () => ({ text: `${overview(all())}\n\nEach with a description: /commands` }),
    },
    {
      name: "commands",
      description: "List all slash commands.",
      category: "status",
      scope: "operator.read",
      run: async () => ({ text: ["Commands", ...all().map(line)].join("\n") }),
    },
  ];
}

function overview(commands: readonly Command[]): string {
  const groups = Map.groupBy(commands, ({ category = "tools" }) => category);
  return [...groups]
    .map(([category, group]) => `${TITLES[category]}\n  ${group.map(signature).join("  |  ")}`)
    .join("\n\n");
}

const signature = ({ name, usage }: Command): string => `/${name}${usage ? ` ${usage}` : ""}`;

const line = (command: Command): string => {
  const aliases = (command.aliases ?? []).map((alias) => `/${alias}`).join(", ");
  return `  ${signature(command)}${aliases ? ` (${aliases})` : ""} - ${command.description}`;
};
