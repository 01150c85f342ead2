import type { ActionGuard } from "../guard.ts";

/**
 * Judges commands by what they run, however they are wrapped, chained or hidden: a shell text is parsed, and rules look
 * at each program call. What cannot be parsed goes to review. The parser and the rules are loaded with the first command.
 */
export const commandGuard: ActionGuard = {
  name: "command",
  async inspect(action, _context, checkTime) {
    if (action.kind !== "command") return [];
    const { commandFindings } = await import("./findings.ts");
    const { parse } = await import("../../platform/lazy/unbash.ts");
    return commandFindings(action.command, action.cwd, parse, checkTime);
  },
};
