import { GatewayError } from "../../platform/errors.ts";
import type { Command, CommandCall, CommandDeps, CommandReply } from "./types.ts";

const KEPT = "✅ The conversation is kept; files of the workspace are read anew with every message.";

/** `/new` and `/reset`: the session starts over; text behind it is the first message of what follows. */
const startOver = (reason: "new" | "reset", done: string) =>
  async function run({ args, sessionKey }: CommandCall, { sessions, runs }: CommandDeps): Promise<CommandReply> {
    const soft = reason === "reset" && /^soft(?:\s+([\s\S]+))?$/i.exec(args);
    if (soft) return { text: KEPT, notice: true, ...(soft[1] === undefined ? {} : { turn: soft[1] }) };
    const release = runs.hold(sessionKey);
    try {
      await runs.abortSession(sessionKey, "reset");
      await runs.forgetSession(sessionKey);
      await sessions.startOver(sessionKey, reason);
    } finally {
      release();
    }
    return args === "" ? { text: done, notice: true } : { text: done, turn: args };
  };

export const SESSION_COMMANDS: readonly Command[] = [
  {
    name: "new",
    description: "Start a new session.",
    category: "session",
    usage: "[message]",
    scope: "operator.admin",
    run: startOver("new", "✅ New session started."),
  },
  {
    name: "reset",
    description: "Reset the current session.",
    category: "session",
    usage: "[message | soft [message]]",
    scope: (args) => (/^soft(\s|$)/i.test(args) ? "operator.write" : "operator.admin"),
    run: startOver("reset", "✅ Session reset."),
  },
  {
    name: "compact",
    description: "Sum up what was said before, so that a model is given less.",
    category: "session",
    usage: "[what to pay attention to]",
    scope: "operator.admin",
    async run({ args, sessionKey }, { compactor }) {
      const { compacted, reason } = await compactor.compact({ key: sessionKey }, args).catch((error) => {
        if (!(error instanceof GatewayError)) throw error;
        return { compacted: false, reason: error.message };
      });
      return { text: compacted ? "🧹 Compacted." : `🧹 Not compacted: ${reason}`, notice: true };
    },
  },
  {
    name: "steer",
    aliases: ["tell"],
    description: "Say something to the run that is at work.",
    category: "management",
    usage: "<message>",
    args: [{ name: "message", description: "Steering message", type: "string" }],
    scope: "operator.write",
    run: async ({ args }) =>
      args === "" ? { text: "Usage: /steer <message>" } : { text: "", turn: args, mode: "steer" },
  },
  {
    name: "stop",
    description: "Stop the current run.",
    category: "session",
    alone: true,
    scope: "operator.write",
    async run({ sessionKey }, { runs }) {
      const stopped = await runs.abortSession(sessionKey, "stop-command");
      return { text: stopped.length > 0 ? "⏹️ Stopped." : "Nothing is running.", notice: true };
    },
  },
];
