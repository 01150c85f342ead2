import type { SessionQueue } from "../../sessions/types.ts";
import { QUEUE_DROPS, QUEUE_MODES, queueSettings } from "../runs/queue-settings.ts";
import { isOf } from "../runs/types.ts";
import type { Command, CommandCall, CommandDeps, CommandReply } from "./types.ts";

/** What a `/queue` in a message says, and the message without it. */
export interface QueueDirective {
  /** Forget what the session says. */
  reset: boolean;
  queue: SessionQueue;
  /** In words for the sender. */
  problem: string | undefined;
  rest: string;
}

const MODES = QUEUE_MODES.join(", ");
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longer than this nobody means. */
const MAX_DEBOUNCE_MS = 30 * UNITS.d!;

/**
 * Reads the first `/queue` of a message, wherever it stands, as far as its words are understood (docs: concepts/queue;
 * answers as recorded from 2026.9.6). Null when there is none.
 */
export function queueDirective(text: string): QueueDirective | null {
  const found = /(^|\s)\/queue(?=$|[\s:])(?::\s*)?/i.exec(text);
  if (!found) return null;
  const before = text.slice(0, found.index);
  const read: QueueDirective = { reset: false, queue: {}, problem: undefined, rest: "" };
  let behind = text.slice(found.index + found[0].length);
  let isFirst = true;
  for (;;) {
    const [all, word] = /^\s*(\S+)/.exec(behind) ?? [];
    if (word === undefined || !take(read, word, isFirst)) break;
    isFirst = false;
    behind = behind.slice(all!.length);
    if (read.reset || read.problem !== undefined) break;
  }
  read.rest = `${before.trim()} ${behind.trim()}`.trim();
  return read;
}

/** Takes one word; false when it belongs to the message. */
function take(read: QueueDirective, word: string, isFirst: boolean): boolean {
  const lower = word.toLowerCase();
  const [, name, value = ""] = /^(debounce|cap|drop)[:=](.*)$/i.exec(word) ?? [];
  switch (name?.toLowerCase()) {
    case "debounce":
      read.queue.debounceMs = milliseconds(value);
      if (read.queue.debounceMs === undefined) {
        read.problem = `Invalid debounce "${value}". Use ms/s/m (e.g. debounce:1500ms, debounce:2s).`;
      }
      return true;
    case "cap":
      if (/^[1-9]\d{0,5}$/.test(value)) read.queue.cap = Number(value);
      else read.problem = `Invalid cap "${value}". Use a positive integer (e.g. cap:10).`;
      return true;
    case "drop": {
      const drop = value.toLowerCase();
      if (isOf(QUEUE_DROPS, drop)) read.queue.drop = drop;
      else read.problem = `Invalid drop policy "${value}". Use drop:old, drop:new, or drop:summarize.`;
      return true;
    }
  }
  if (isOf(QUEUE_MODES, lower) && read.queue.mode === undefined) read.queue.mode = lower;
  else if (isFirst && (lower === "default" || lower === "reset")) read.reset = true;
  else if (isFirst) read.problem = `Unrecognized queue mode "${word}". Valid modes: ${MODES}.`;
  else return false;
  return true;
}

/** `500`, `500ms`, `0.5s`, `2m` in whole milliseconds. */
function milliseconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/i.exec(text);
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * UNITS[match[2]?.toLowerCase() ?? "ms"]!);
  return ms <= MAX_DEBOUNCE_MS ? ms : undefined;
}

export const QUEUE_COMMANDS: readonly Command[] = [
  {
    name: "queue",
    description: "Adjust queue settings.",
    category: "options",
    usage: "[steer | followup | collect | interrupt | default] [debounce:0.5s] [cap:20] [drop:summarize]",
    args: [
      { name: "mode", description: "queue mode", type: "string", choices: QUEUE_MODES },
      { name: "debounce", description: "debounce duration (e.g. 500ms, 2s)", type: "string" },
      { name: "cap", description: "queue cap", type: "number" },
      { name: "drop", description: "drop policy", type: "string", choices: QUEUE_DROPS },
    ],
    scope: (args) => (args === "" ? "operator.read" : "operator.write"),
    run,
  },
];

async function run({ args, sessionKey, session }: CommandCall, deps: CommandDeps): Promise<CommandReply> {
  const { reset, queue, problem } = queueDirective(`/queue ${args}`)!;
  if (problem !== undefined) return { text: problem };
  if (reset) {
    await deps.sessions.setOverrides(sessionKey, { queue: null });
    return { text: "⚙️ Queue mode reset to default." };
  }
  const { mode, debounceMs, cap, drop } = queue;
  const said = [
    ...(mode === undefined ? [] : [`⚙️ Queue mode set to ${mode}.`]),
    ...(debounceMs === undefined ? [] : [`⚙️ Queue debounce set to ${debounceMs}ms.`]),
    ...(cap === undefined ? [] : [`⚙️ Queue cap set to ${cap}.`]),
    ...(drop === undefined ? [] : [`⚙️ Queue drop set to ${drop}.`]),
  ];
  if (said.length === 0) {
    const now = queueSettings(deps.config.current, { sessionKey }, session?.queue);
    const settings = `mode=${now.mode}, debounce=${now.debounceMs}ms, cap=${now.cap}, drop=${now.drop}`;
    const options = `modes ${MODES}; debounce:<ms|s|m>, cap:<n>, drop:${QUEUE_DROPS.join("|")}`;
    return { text: `Current queue settings: ${settings}.\nOptions: ${options}.` };
  }
  await deps.sessions.setOverrides(sessionKey, { queue });
  return { text: said.join(" ") };
}
