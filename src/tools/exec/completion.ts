import type { DefenderPort } from "../../defender/types.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ProcessSession } from "./process-session.ts";
import type { ExecSettings } from "./settings.ts";

export interface CompletionsDeps {
  /** Notes for the next turn of a session. */
  notes: { add(sessionKey: string, text: string, options: { trusted: boolean }): Promise<unknown> };
  /** A turn of the session soon, because a note waits. */
  wake(agentId: string, sessionKey: string): void;
  defender: Pick<DefenderPort, "screen">;
  log: Logger;
}

const TAIL_CHARS = 400;
/** Characters of a session's name in a note. */
const NAME_CHARS = 8;

/** Tells a session that a background command of its has ended, and wakes it (docs: gateway/background-process). */
export class Completions {
  constructor(private readonly deps: CompletionsDeps) {}

  /** Nothing is told of what was ended on purpose, of what somebody waited for, or of a success without words. */
  ended(session: ProcessSession, settings: Pick<ExecSettings, "notifyOnExit" | "notifyOnExitEmptySuccess">): void {
    const { ending, output, wasAwaited } = session;
    if (ending === null || !settings.notifyOnExit || wasAwaited) return;
    if (ending.reason === "manual-cancel" || ending.reason === "gateway-stop") return;
    const isQuiet = ending.code === 0 && output.all.trim() === "";
    if (isQuiet && !settings.notifyOnExitEmptySuccess) return;
    void this.tell(session).catch((error) => this.deps.log.error("the end of a command could not be told", { error }));
  }

  private async tell(session: ProcessSession): Promise<void> {
    const { notes, wake, defender } = this.deps;
    const { id, agentId, sessionKey, ending, output } = session;
    const { code, signal } = ending!;
    const how = signal === null ? `code ${code}` : `signal ${signal}`;
    const verb = ending!.reason === "exit" ? "completed" : "failed";
    const head = `Exec ${verb} (${id.slice(0, NAME_CHARS)}, ${how})`;
    const tail = output.tail(TAIL_CHARS).trim();
    const { verdict } = await defender.screen(tail, { direction: "inbound", origin: "tool-result", sessionKey });
    const said =
      tail === "" ? "" : verdict === "allow" ? ` :: ${tail}` : " :: (what it said is withheld by the defender)";
    await notes.add(sessionKey, head + said, { trusted: false });
    // A session that another one began collects results itself.
    if (!/:subagent:/.test(sessionKey)) wake(agentId, sessionKey);
  }
}
