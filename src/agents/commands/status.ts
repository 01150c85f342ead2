import { LIMITS } from "../../../generated/limits.ts";
import type { StoredMessage, Usage } from "../../sessions/types.ts";
import { promptTokens } from "../runs/report.ts";
import { type Command, type CommandCall, type CommandDeps, type CommandReply, sessionModel } from "./types.ts";

export const STATUS_COMMANDS: readonly Command[] = [
  {
    name: "status",
    description: "Show current status.",
    category: "status",
    scope: "operator.read",
    run: status,
  },
  {
    name: "usage",
    description: "Show the tokens and cost of this session.",
    category: "status",
    scope: "operator.read",
    run: usage,
  },
  {
    name: "whoami",
    aliases: ["id"],
    description: "Show who you are to the gateway.",
    category: "status",
    scope: "operator.read",
    run: async ({ sender }) => ({ text: whoAmI(sender) }),
  },
];

async function status(call: CommandCall, deps: CommandDeps): Promise<CommandReply> {
  return { text: await statusText(call, deps), contextFree: true };
}

/** What `/status` and the tool `session_status` say of a session. */
export async function statusText(call: StatusCall, deps: StatusDeps): Promise<string> {
  const { sessions, models, runs, clock, product, startedAt } = deps;
  const { sessionKey, session } = call;
  const { model, own, level } = sessionModel(call, deps);
  const messages = session ? await sessions.recent(sessionKey, LIMITS.contextMessages) : [];
  const used = messages.findLast(isModelAnswer)?.usage;
  const provider = model ? models.providers().get(model.provider) : undefined;
  const waiting = runs.pendingInputs(sessionKey).filter(({ state }) => state === "queued").length;
  const busy = runs.activeRunIds(sessionKey).length > 0;
  const lines = [
    product,
    `Time: ${new Date(clock.now()).toISOString()}`,
    `Uptime: ${duration(clock.now() - startedAt)}`,
    "",
    model ? `Model: ${model.provider}/${model.id}${own ? " (this session's choice)" : ""}` : noModel(own),
    ...(provider ? [`Key: ${keyWords(models.credential(provider).kind, provider.configured)}`] : []),
    ...(model ? [`Context: ${context(used, models.contextWindow(model))}`] : []),
    `Thinking: ${level}`,
    "",
    `Session: ${sessionKey}`,
    `Messages: ${messages.length === LIMITS.contextMessages ? `${messages.length} or more` : messages.length}`,
    `Run: ${busy ? "one is at work" : "none"}${waiting > 0 ? `, ${waiting} waiting` : ""}`,
    `Queue: ${runs.queueMode(sessionKey, session?.queue?.mode)}`,
  ];
  return lines.join("\n");
}

type StatusCall = Pick<CommandCall, "sessionKey" | "agentId" | "session">;
export type StatusDeps = Omit<CommandDeps, "compactor" | "contexts" | "settings">;

async function usage({ sessionKey, session }: CommandCall, { sessions }: CommandDeps): Promise<CommandReply> {
  const messages = session ? await sessions.recent(sessionKey, LIMITS.contextMessages) : [];
  const answers = messages.filter(isModelAnswer);
  if (answers.length === 0) return { text: "No model has answered in this session yet." };
  const sum = (pick: (usage: Usage) => number) => answers.reduce((total, { usage }) => total + pick(usage), 0);
  const cached = sum(({ cacheRead }) => cacheRead);
  const cost = sum((usage) => usage.cost.total);
  const reach = messages.length === LIMITS.contextMessages ? ` (newest ${messages.length} messages)` : "";
  return {
    text: [
      `Usage of this session${reach}`,
      `Answers: ${answers.length}`,
      `Tokens: ${sum(({ input }) => input)} in, ${sum(({ output }) => output)} out${cached > 0 ? `, ${cached} cached` : ""}`,
      cost > 0 ? `Cost: $${cost.toFixed(4)}` : "Cost: no price is known for these models",
    ].join("\n"),
  };
}

function whoAmI({ client, deviceId, may }: CommandCall["sender"]): string {
  const widest = ["operator.admin", "operator.write", "operator.read"].find((scope) => may(scope));
  return [
    "You",
    `Client: ${client.id} (${client.mode})`,
    `Device: ${deviceId ?? "none proven"}`,
    `Widest scope: ${widest ?? "none"}`,
  ].join("\n");
}

type ModelAnswer = StoredMessage & { usage: Usage };

const isModelAnswer = (message: StoredMessage): message is ModelAnswer =>
  message.role === "assistant" && message.usage !== undefined && message.usage.totalTokens > 0;

function context(used: Usage | undefined, window: number): string {
  const tokens = used ? promptTokens(used) : 0;
  return `${thousands(tokens)}/${thousands(window)} (${Math.round((tokens / window) * 100)}%)`;
}

const thousands = (tokens: number): string => (tokens < 1000 ? String(tokens) : `${Math.round(tokens / 1000)}k`);

const noModel = (own: string | null): string => (own ? `Model: "${own}" is not available` : "Model: none is set up");

function keyWords(kind: "key" | "none" | "missing", configured: boolean): string {
  if (kind === "none") return "none needed";
  if (kind === "missing") return "missing";
  return configured ? "from the configuration" : "from the environment";
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)}s`;
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
