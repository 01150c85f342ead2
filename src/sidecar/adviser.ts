import type { ActionContext, Decision, DefenderPort, Finding, Verdict } from "../defender/types.ts";
import { steersPrograms } from "../platform/steering-env.ts";
import { type Asked, commandOf, pluginWords } from "./asked.ts";

/** What the defender says of an approval, and what that means for it. */
export interface Advice {
  /** What holds: `allow` is answered with allow-once, `block` with deny, `review` is left to people. */
  verdict: Verdict;
  /** False where the policy only watches: then nothing is answered. */
  enforced: boolean;
  score: number;
  /** The first decided. */
  findings: Finding[];
  /** The defender's record, unless it simply allowed. */
  decisionId?: string;
}

/**
 * Judges what another gateway asks approval for. Of a command the defender sees all that matters and may allow it. Of a
 * plugin's action only the plugin's own words are known: they can be reason to deny, but are reason to allow only where
 * the plugin itself calls it no more than information.
 */
export class Adviser {
  constructor(
    private readonly defender: Pick<DefenderPort, "judge" | "screen">,
    private readonly isSuspect: (sessionKey: string) => boolean,
  ) {}

  async advise(asked: Asked): Promise<Advice> {
    const { verdict, watched, score, findings, id } =
      asked.kind === "exec" ? await this.judgeCommand(asked) : await this.judgePlugin(asked);
    const doubts = watched === undefined || watched === "allow" ? this.doubts(asked) : [];
    const decided = watched ?? verdict;
    return {
      verdict: decided === "allow" && doubts.length > 0 ? "review" : decided,
      enforced: watched === undefined,
      score,
      findings: decided === "allow" ? [...doubts, ...findings] : findings,
      ...(id !== undefined && { decisionId: id }),
    };
  }

  private async judgeCommand(asked: Asked): Promise<Decision> {
    const command = commandOf(asked);
    if (command === null) return { verdict: "allow", score: 0, findings: [] };
    return this.defender.judge(command.action, contextOf(asked));
  }

  /** The stricter of what is said of the plugin's words and of its tool. */
  private async judgePlugin(asked: Asked): Promise<Decision> {
    const context = contextOf(asked);
    // What a plugin says of a call is mostly what a model, and who spoke to it, put into the call.
    const words = await this.defender.screen(pluginWords(asked), {
      ...context,
      origin: "tool-result",
      direction: "inbound",
    });
    const { toolName } = asked.request;
    if (typeof toolName !== "string" || toolName === "") return words;
    const tool = await this.defender.judge({ kind: "tool", name: toolName, args: {} }, context);
    return tool.score > words.score ? tool : words;
  }

  /** Why a person should answer what the defender itself would allow. */
  private doubts(asked: Asked): Finding[] {
    const { request, sessionKey } = asked;
    const found: Finding[] = [];
    const doubt = (id: string, reason: string): void => void found.push({ id: `sidecar.${id}`, score: 50, reason });
    if (sessionKey !== undefined && this.isSuspect(sessionKey)) {
      doubt("attack-read", "The session has read an attack since its owner last spoke.");
    }
    if (request.scope !== undefined && request.scope !== null) {
      doubt("reaches-others", "It concerns more than this machine, and what is sent is not told.");
    }
    if (asked.kind === "plugin") {
      if (request.severity !== "info") doubt("plugin-words", "Only the plugin's own words for it are known.");
      return found;
    }
    const command = commandOf(asked);
    if (command === null) doubt("no-command", "The request names no command.");
    if (command?.differs) doubt("two-commands", "Its text says something else than its arguments.");
    if (command?.variables.some(steersPrograms)) {
      doubt("steering-variables", "It sets variables that change what programs do.");
    }
    return found;
  }
}

/** An agent asks, on whoever's words: the defender does not trust it more than that. */
const contextOf = ({ agentId, sessionKey, runId, channel }: Asked): ActionContext => ({
  origin: "model",
  ...(agentId !== undefined && { agentId }),
  ...(sessionKey !== undefined && { sessionKey }),
  ...(runId !== undefined && { runId }),
  ...(channel !== undefined && { channel }),
});
