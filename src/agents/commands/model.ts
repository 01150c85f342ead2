import { refOf } from "../../models/references.ts";
import { levelChoice } from "../../models/thinking.ts";
import { type Command, type CommandCall, type CommandDeps, type CommandReply, sessionModel } from "./types.ts";

/** Models of one provider that are listed. */
const LISTED = 60;

export const MODEL_COMMANDS: readonly Command[] = [
  {
    name: "model",
    description: "Show or set the session's model.",
    category: "options",
    usage: "[provider/model | list | status | default]",
    scope: "operator.write",
    run: model,
  },
  {
    name: "models",
    description: "List providers, or the models of one.",
    category: "options",
    usage: "[provider]",
    scope: "operator.read",
    run: ({ args }, deps) => list(args, deps),
  },
  {
    name: "think",
    aliases: ["thinking", "t"],
    description: "Show or set how much the model thinks.",
    category: "options",
    usage: "[level | default]",
    args: [{ name: "level", description: "Thinking level", type: "string", dynamic: true }],
    scope: "operator.write",
    run: think,
  },
];

async function model(call: CommandCall, deps: CommandDeps): Promise<CommandReply> {
  const [word = "", flag] = call.args.split(/\s+/);
  switch (word.toLowerCase()) {
    case "":
      return current(call, deps);
    case "list":
      return list("", deps);
    case "status":
      return state(call, deps);
  }
  if (flag !== undefined && flag !== "-s") {
    return { text: "Only this session's model is set here; defaults stand in openclaw.json: agents.defaults.model." };
  }
  const own = deps.agents.model(call.agentId);
  const chosen = word.toLowerCase() === "default" ? own : await deps.models.resolve(word);
  const ref = chosen && refOf(chosen);
  if (ref === null && word.toLowerCase() !== "default") {
    return { text: `No model is called "${word}". /models lists what there is.` };
  }
  const account = chosen && /^[^@]+@(\S+)$/.exec(word)?.[1];
  const isWhole = chosen !== null && word.toLowerCase().endsWith(chosen.id.toLowerCase());
  let profile: string | null = null;
  if (chosen && account && !isWhole) {
    profile = await deps.models.chooseAccount(call, chosen.provider, account);
    if (profile === null) return { text: `There is no account "${account}" with ${chosen.provider}.` };
  }
  const by = profile === null ? "" : ` by the account ${profile}`;
  const isDefault = own === null ? ref === null : refOf(own) === ref;
  await deps.sessions.setOverrides(call.sessionKey, { modelOverride: isDefault ? null : ref });
  if (!isDefault) return { text: `This session uses ${ref}${by} from now on.` };
  return { text: `This session uses its agent's model${ref ? `, ${ref}` : ""}.` };
}

function current(call: CommandCall, deps: CommandDeps): CommandReply {
  const { model: now, own, level } = sessionModel(call, deps);
  const lines = [
    now ? `Model: ${refOf(now)}${own ? " (this session's choice)" : ""}` : `Model: ${own ?? "none is set up"}`,
    `Thinking: ${level} (change with /think <level>)`,
    "Change: /model <provider/model>, or /model default",
    "List: /models, or /models <provider>",
  ];
  return { text: lines.join("\n") };
}

/** Where the session's model is reached and whether there is a key for it; never the key. */
function state(call: CommandCall, deps: CommandDeps): CommandReply {
  const { model: now, own } = sessionModel(call, deps);
  const provider = now ? deps.models.providers().get(now.provider) : undefined;
  if (!now || !provider) return { text: own ? `"${own}" is not available.` : "No model is set up." };
  const credential = deps.models.credential(provider);
  const key = { key: "set", none: "none needed", missing: "missing" }[credential.kind];
  const lines = [
    `Model: ${refOf(now)}`,
    `API: ${now.api}`,
    // Addresses tell of the network and may carry credentials.
    ...(call.sender.may("operator.admin") ? [`Address: ${withoutCredentials(now.baseUrl)}`] : []),
    `Key: ${key}${credential.kind === "missing" ? ` (${credential.hint})` : ""}`,
    `Context: ${deps.models.contextWindow(now)} tokens`,
    `Input: ${now.input.join(", ")}`,
  ];
  return { text: lines.join("\n") };
}

function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return "not an address";
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}

async function list(provider: string, { models }: CommandDeps): Promise<CommandReply> {
  const refs = await models.refs();
  if (refs.length === 0)
    return { text: "No model can be used yet. Send a message without a command to see what helps." };
  const groups = Map.groupBy(refs, (ref) => ref.slice(0, ref.indexOf("/")));
  if (provider === "") {
    const lines = [...groups].map(([name, { length }]) => `- ${name} (${length})`);
    return { text: ["Providers:", ...lines, "", "Models of one: /models <provider>"].join("\n") };
  }
  const found = groups.get(provider.toLowerCase());
  if (!found) return { text: `No provider "${provider}" can be used. /models lists those that can.` };
  const more = found.length > LISTED ? [`… and ${found.length - LISTED} more`] : [];
  const lines = found.slice(0, LISTED).map((ref) => `- ${ref}`);
  return { text: [`Models of ${provider}:`, ...lines, ...more, "", "Take one: /model <provider/model>"].join("\n") };
}

async function think(call: CommandCall, deps: CommandDeps): Promise<CommandReply> {
  const { sessions } = deps;
  const { model: now, thinking, level } = sessionModel(call, deps);
  const options = ["default", ...thinking.thinkingOptions].join(", ");
  const wanted = call.args.toLowerCase();
  if (wanted === "") return { text: `Thinking: ${level}\nLevels: ${options}` };
  if (wanted === "default") {
    await sessions.setOverrides(call.sessionKey, { thinkingLevel: null });
    return { text: `Thinking is at the default again: ${thinking.thinkingDefault}.` };
  }
  const choice = levelChoice(wanted, now);
  if (!choice.known) return { text: `"${call.args}" is no thinking level. Levels: ${options}.` };
  if (!choice.exact) {
    const name = now ? refOf(now) : "a session without a model";
    const usable = thinking.thinkingOptions.join(", ");
    return { text: `Thinking level "${wanted}" is not supported for ${name}. Use one of: ${usable}.` };
  }
  await sessions.setOverrides(call.sessionKey, { thinkingLevel: choice.id });
  return { text: choice.id === "off" ? "Thinking is off." : `Thinking is set to ${choice.id}.` };
}
