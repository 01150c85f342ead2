import type { CommandSpec, OptionSpec } from "./command.ts";

/** Options that stand before or after any command. */
export const ROOT_OPTIONS: readonly OptionSpec[] = [
  { name: "profile", value: "<name>", summary: "Use the state and config of ~/.openclaw-<name>" },
  { name: "no-color", summary: "Print without colours" },
  { name: "log-level", value: "<level>", summary: "Log from this level up", choices: logLevels() },
  { name: "help", short: "h", summary: "Show this help" },
];

const JSON_OUTPUT: OptionSpec = { name: "json", summary: "Print one JSON document" };
/** Every command, in the order of help. Their code is loaded when one is run. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    path: "limits",
    summary: "Print every bound that the gateway keeps",
    options: [JSON_OUTPUT],
    examples: [["limits", "Names, values and units."]],
    load: () => import("./limits.ts"),
  },
  {
    path: "version",
    summary: "Print the version",
    options: [JSON_OUTPUT],
    examples: [["version --json", "Our own version and the upstream release it stands in for."]],
    load: () => import("./version.ts"),
  },
  {
    path: "debug load-chunks",
    summary: "Load every part of the executable once",
    options: [],
    examples: [["debug load-chunks", "Says which parts cannot be loaded."]],
    hidden: true,
    load: () => import("./debug.ts"),
  },
];

/** First words under which several commands stand, and the command that they mean alone. */
export const GROUPS: readonly { path: string; summary: string; alone?: string }[] = [];

function logLevels(): readonly string[] {
  return ["silent", "fatal", "error", "warn", "info", "debug", "trace"];
}
