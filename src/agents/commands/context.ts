import { refOf } from "../../models/references.ts";
import { type Command, type CommandCall, type CommandDeps, type CommandReply, sessionModel } from "./types.ts";

/** What a model is given in this session. */
export const CONTEXT_COMMANDS: readonly Command[] = [
  {
    name: "context",
    description: "Show what a model is given in this session.",
    category: "status",
    usage: "[list | detail | json]",
    args: [{ name: "mode", description: "How much is shown", type: "string", choices: ["list", "detail", "json"] }],
    scope: "operator.read",
    run: context,
  },
];

async function context(call: CommandCall, deps: CommandDeps): Promise<CommandReply> {
  const { model: chosen } = sessionModel(call, deps);
  const model = chosen && (await deps.models.resolve(refOf(chosen)));
  if (call.session === null) return { text: "Nobody has said anything in this session yet." };
  if (!model) return { text: "No model is set up, so none is given anything." };
  const { system, files, projectChars, promptTokens, budget, reserve, leftOut, messages } = await deps.contexts.prepare(
    call.session,
    model,
    {},
  );
  const facts = {
    systemPromptChars: system.length,
    workspaceChars: projectChars,
    files: files.map(({ name, text, truncated }) => ({ name, chars: text.length, truncated })),
    messages: messages.length,
    messagesLeftOut: leftOut,
    promptTokens,
    conversationBudget: budget,
    reservedForAnswer: reserve,
  };
  const mode = call.args.toLowerCase();
  if (mode === "json") return { text: JSON.stringify(facts, null, 2), contextFree: true };
  const lines = [
    "Context",
    `System prompt: ${facts.systemPromptChars} characters, ${projectChars} of them from ${files.length} workspace files`,
    `Conversation: ${facts.messages} messages${leftOut > 0 ? `, ${leftOut} older ones left out` : ""}`,
    `Estimate: ${promptTokens} tokens; the conversation may take ${budget}, ${reserve} are kept for the answer`,
  ];
  if (mode === "list" || mode === "detail") {
    lines.push(
      "Files:",
      ...facts.files.map((file) => `- ${file.name}: ${file.chars} characters${file.truncated ? ", cut" : ""}`),
    );
  } else lines.push("More: /context list, /context json");
  return { text: lines.join("\n"), contextFree: true };
}
