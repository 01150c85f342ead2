import { LIMITS } from "../../generated/limits.ts";
import type {
  SystemAgentChatHistoryParams,
  SystemAgentChatHistoryResult,
  SystemAgentChatParams,
  SystemAgentChatResult,
} from "../../generated/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import { ModelError, type ModelsPort, type ResolvedModel } from "../models/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Settings } from "../store/settings.ts";

/** How the gateway is set up, as far as the assistant tells of it. */
export interface SetupFacts {
  version: string;
  /** `provider/id`, or null when no model is set up. */
  model: string | null;
  agents: readonly string[];
  /** Names of the channels that are configured. */
  channels: readonly string[];
}

export interface SetupAssistantDeps {
  models: ModelsPort;
  defender: Pick<DefenderPort, "screen" | "stream">;
  settings: Settings;
  clock: Clock;
  facts(): SetupFacts;
}

interface Turn {
  sessionId: string;
  role: "user" | "assistant";
  text: string;
  at: number;
}

/** Where {@link Settings} keep the conversation. */
const TURNS = "setup.turns";
const TALK = "talk to agent";
const STATUS = "status";

/**
 * The gateway's own contact for its administrators (`openclaw.chat`; docs: web/control-ui/panels): tells how it is set up,
 * and answers questions with the default model. It changes nothing itself and says where that is done. What was said
 * survives restarts.
 */
export class SetupAssistant {
  constructor(private readonly deps: SetupAssistantDeps) {}

  /** The newest turns of all conversations, oldest first. */
  async history({ limit = 100 }: SystemAgentChatHistoryParams): Promise<SystemAgentChatHistoryResult> {
    const turns = await this.turns();
    return { turns: turns.slice(-limit).map(({ role, text, at }) => ({ role, text, at })) };
  }

  /**
   * Takes one message; without one it greets. `reset` forgets what this conversation was about.
   * @throws GatewayError for a message that is too long or that the defender blocks, and when the model does not answer
   */
  async chat(params: SystemAgentChatParams, actor: string, signal: AbortSignal): Promise<SystemAgentChatResult> {
    const { sessionId, reset, wizardAnswer, wizardCancel, delegation } = params;
    if (wizardAnswer || wizardCancel) throw invalidRequest("no step of a setup is open in this conversation");
    if (delegation) throw invalidRequest("this assistant takes nothing on behalf of an agent");
    if (reset) await this.forget(sessionId);
    const message = params.message?.trim() ?? "";
    if (message === "") return { sessionId, ...this.greeting() };
    if (message.length > LIMITS.setupMessageChars) {
      throw invalidRequest(`the message is longer than ${LIMITS.setupMessageChars} characters`);
    }
    if (message.toLowerCase() === TALK) {
      await this.remember(sessionId, message, "Your agent listens.");
      return { sessionId, reply: "Your agent listens.", action: "open-agent" };
    }
    const reply = message.toLowerCase() === STATUS ? this.status() : await this.ask(params, message, actor, signal);
    await this.remember(sessionId, message, reply);
    return { sessionId, reply, action: "none" };
  }

  private greeting(): Omit<SystemAgentChatResult, "sessionId"> {
    return {
      reply: `${this.status()}\n\nAsk about the gateway, or go on to your agent.`,
      optionalWelcome: true,
      action: "none",
      question: {
        id: "setup-assistant-start",
        header: "Next",
        question: "What would you like to do?",
        options: [
          { label: "Talk to my agent", reply: TALK, recommended: true },
          { label: "Show how the gateway is set up", reply: STATUS },
        ],
      },
    };
  }

  private status(): string {
    const { version, model, agents, channels } = this.deps.facts();
    return [
      `This gateway serves clients of ${version}.`,
      model ? `Answers come from ${model}.` : "No model is set up yet: add a provider under Settings, Models.",
      `Agents: ${agents.join(", ")}.`,
      channels.length > 0 ? `Configured channels: ${channels.join(", ")}.` : "No channel is configured.",
    ].join("\n");
  }

  private async ask(
    { sessionId }: SystemAgentChatParams,
    message: string,
    actor: string,
    signal: AbortSignal,
  ): Promise<string> {
    const { models, defender } = this.deps;
    const model = await models.resolve();
    if (!model) return this.status();
    const decision = await defender.screen(message, { direction: "inbound", origin: "owner", actor });
    if (decision.verdict === "block") {
      throw invalidRequest(`The defender does not let this message pass. ${decision.findings[0]?.reason ?? ""}`.trim());
    }
    const answer = await this.answer(model, sessionId, message, signal);
    const screened = await defender.screen(answer, { direction: "outbound", origin: "model", actor });
    if (screened.verdict === "block") return "The answer was held back by the defender.";
    return (screened.text ?? answer).trim() || "The model gave no answer.";
  }

  private async answer(model: ResolvedModel, sessionId: string, message: string, signal: AbortSignal): Promise<string> {
    const earlier = (await this.turns())
      .filter((turn) => turn.sessionId === sessionId)
      .slice(-LIMITS.setupContextTurns);
    const messages = [...earlier, { role: "user" as const, text: message }].map(({ role, text }) => ({
      role,
      content: text,
    }));
    let answer = "";
    try {
      for await (const event of this.deps.models.stream({ model, system: this.system(), messages, signal })) {
        if (event.type === "text") answer += event.delta;
        if (answer.length > LIMITS.setupAnswerChars) break;
      }
    } catch (error) {
      if (error instanceof ModelError) throw new GatewayError("UNAVAILABLE", error.message);
      throw error;
    }
    return answer.slice(0, LIMITS.setupAnswerChars);
  }

  private system(): string {
    return [
      "You answer an administrator's questions about this gateway, a server that connects chat clients, nodes and channels with AI agents.",
      "You have no tools and change nothing. Say where something is done: Settings in the control page, or the file openclaw.json.",
      "Do not guess at settings that you do not know. Be brief.",
      this.status(),
    ].join("\n");
  }

  private async turns(): Promise<Turn[]> {
    return (await this.deps.settings.get<Turn[]>(TURNS)) ?? [];
  }

  /** Credentials that somebody wrote are not kept. */
  private async remember(sessionId: string, message: string, reply: string): Promise<void> {
    const { clock, defender } = this.deps;
    const at = clock.now();
    const mask = defender.stream();
    const kept = mask.push(message) + mask.end();
    const said: Turn[] = [
      { sessionId, role: "user", text: kept, at },
      { sessionId, role: "assistant", text: reply, at },
    ];
    await this.deps.settings.update<Turn[]>(TURNS, (before = []) => [...before, ...said].slice(-LIMITS.setupTurns));
  }

  private async forget(sessionId: string): Promise<void> {
    await this.deps.settings.update<Turn[]>(TURNS, (before = []) =>
      before.filter((turn) => turn.sessionId !== sessionId),
    );
  }
}
