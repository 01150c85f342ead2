import type { CommandEntry, SessionsPatchParams } from "../../../generated/types.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Models } from "../../models/models.ts";
import type { Clock } from "../../platform/clock.ts";
import type { SessionEntry } from "../../sessions/entry.ts";
import type { SessionState, SessionsPort } from "../../sessions/types.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import type { Compactor } from "../compaction/compactor.ts";
import type { TurnContexts } from "../context/turn-context.ts";
import type { Runs } from "../runs/runs.ts";
import type { QueueMode } from "../runs/types.ts";
import type { Sender } from "../sender.ts";

/** What commands work with. */
export interface CommandDeps {
  sessions: SessionsPort;
  models: Models;
  agents: AgentCatalogue;
  runs: Runs;
  compactor: Compactor;
  contexts: TurnContexts;
  settings: SettingsPort;
  config: ConfigPort;
  clock: Clock;
  /** Name and version as `/status` shows them. */
  product: string;
  /** Epoch milliseconds of the gateway's start. */
  startedAt: number;
}

/** What is fixed for a session, as `sessions.patch` changes it. */
export interface SettingsPort {
  read(key: string): Promise<Partial<SessionEntry>>;
  /** @throws GatewayError for a value that cannot be, or a label that is taken */
  patch(params: SessionsPatchParams): Promise<unknown>;
}

export type CommandScope = "operator.read" | "operator.write" | "operator.admin" | "operator.approvals";

/** One use of a command. */
export interface CommandCall {
  /** What stands behind the command's name, trimmed. */
  args: string;
  /** Canonical. */
  sessionKey: string;
  agentId: string;
  /** Null when nobody has used the session yet. */
  session: SessionState | null;
  sender: Sender;
}

export interface CommandReply {
  text: string;
  /** Clients show it as a notice rather than as speech. */
  notice?: true;
  /** The model is not told of this exchange later. */
  contextFree?: true;
  /** A turn follows with this text in place of the message; `text` is then not sent. */
  turn?: string;
  /** What becomes of that turn while another is at work; it waits unless told. */
  mode?: QueueMode;
}

/** One word that may stand behind a command's name. */
export interface CommandArgument {
  name: string;
  description: string;
  type: "string" | "number";
  required?: true;
  choices?: readonly string[];
  /** What may be chosen depends on the session. */
  dynamic?: true;
}

export interface Command {
  name: string;
  aliases?: readonly string[];
  description: string;
  category?: NonNullable<CommandEntry["category"]>;
  /** Who brings it, unless the gateway itself does. */
  source?: "skill" | "plugin";
  /** What lists tell besides. */
  facts?: Pick<CommandEntry, "skillDisplayName" | "skillModelVisible" | "clientPresentation">;
  /** What may stand behind the name, as help shows it; a command without takes none. */
  usage?: string;
  /** What a composer offers behind the name; without it what {@link usage} says. */
  args?: readonly CommandArgument[];
  /** With anything behind its name the message is no command. */
  alone?: true;
  /** The scope of the RPC that the command stands for, with what stands behind its name. */
  scope: CommandScope | ((args: string) => CommandScope);
  run(call: CommandCall, deps: CommandDeps): Promise<CommandReply>;
}

/** The model and thinking facts that a session's next turn goes by. */
export function sessionModel(
  { session, agentId }: Pick<CommandCall, "session" | "agentId">,
  { models, agents }: Pick<CommandDeps, "models" | "agents">,
) {
  const own = session?.modelOverride;
  const model = own ? models.find(own) : agents.model(agentId);
  const thinking = models.thinking(model, agents.find(agentId)?.thinkingDefault);
  return { model, own: own ?? null, thinking, level: session?.thinkingLevel ?? thinking.thinkingDefault };
}
