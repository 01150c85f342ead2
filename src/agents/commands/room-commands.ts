import type { ApprovalRecords } from "../../approvals/approval-records.ts";
import { GatewayError } from "../../platform/errors.ts";
import type { Restarts } from "../../system/restarts.ts";
import type { Tools } from "../../tools/tools.ts";
import type { Speech } from "../../voice/speech.ts";
import type { Subagents } from "../subagents/subagents.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Command, CommandCall, CommandReply, CommandScope } from "./types.ts";

/** The rooms that commands of this file work with; they are built after the room of turns. */
export interface RoomCommandDeps {
  tasks: Pick<Tasks, "list">;
  subagents: Pick<Subagents, "list">;
  tools: Pick<Tools, "effective">;
  approvalRecords: Pick<ApprovalRecords, "get" | "resolve">;
  speech: Pick<Speech, "status" | "setEnabled" | "setProvider">;
  restarts: Pick<Restarts, "request">;
}

/** Tasks that are shown at once. */
const SHOWN = 20;
/** What may be said for a decision of an approval. */
const DECISIONS: Readonly<Record<string, string>> = {
  allow: "allow-once",
  once: "allow-once",
  "allow-once": "allow-once",
  always: "allow-always",
  "allow-always": "allow-always",
  deny: "deny",
  reject: "deny",
};

/** Commands that stand for methods of other rooms: tasks, tools, approvals, speech, and the gateway itself. */
export function roomCommands(deps: RoomCommandDeps): readonly Command[] {
  const answered = (run: (call: CommandCall, deps: RoomCommandDeps) => Promise<CommandReply>) => (call: CommandCall) =>
    run(call, deps).catch(told);
  return [
    {
      name: "tools",
      description: "Show what the agent of this session can use.",
      category: "status",
      usage: "[compact | verbose]",
      args: [{ name: "mode", description: "compact or verbose", type: "string", choices: ["compact", "verbose"] }],
      scope: "operator.read",
      run: answered(tools),
    },
    {
      name: "tasks",
      description: "List the tasks of this session.",
      category: "status",
      scope: "operator.read",
      run: answered(tasks),
    },
    {
      name: "subagents",
      description: "List what agents of this session have given to others.",
      category: "management",
      usage: "[list]",
      args: [{ name: "action", description: "What to show", type: "string", choices: ["list"] }],
      scope: "operator.read",
      run: answered(subagents),
    },
    {
      name: "approve",
      description: "Decide on an approval that waits.",
      category: "management",
      usage: "<id> <allow-once | allow-always | deny>",
      args: [
        { name: "id", description: "Id of the approval", type: "string", required: true },
        {
          name: "decision",
          description: "The decision",
          type: "string",
          required: true,
          choices: ["allow-once", "allow-always", "deny"],
        },
      ],
      scope: "operator.approvals",
      run: answered(approve),
    },
    {
      name: "tts",
      description: "Show or set whether answers are spoken.",
      category: "media",
      usage: "[status | on | off | provider <id>]",
      args: [
        { name: "action", description: "What to do", type: "string", choices: ["status", "on", "off", "provider"] },
        { name: "value", description: "Id of a provider", type: "string" },
      ],
      scope: (args): CommandScope => (/^(status)?$/i.test(args) ? "operator.read" : "operator.write"),
      run: answered(tts),
    },
    {
      name: "restart",
      description: "Start the gateway again once nothing is at work.",
      category: "tools",
      alone: true,
      scope: "operator.admin",
      run: answered(restart),
    },
    {
      name: "pair",
      description: "Pair another device with this gateway.",
      source: "plugin",
      usage: "",
      facts: { clientPresentation: { when: "no-arguments", action: { kind: "device-pairing" } } },
      scope: "operator.admin",
      // Whoever may read a session could use a code that stood in it.
      run: async () => ({
        text: "Codes for devices are not written into conversations. Make one in your client's page of devices.",
      }),
    },
  ];
}

/** A refusal is an answer; everything else is a failure. */
function told(error: unknown): CommandReply {
  if (!(error instanceof GatewayError)) throw error;
  return { text: `⚠️ ${error.message}` };
}

async function tools({ args, sessionKey, session, sender }: CommandCall, { tools }: RoomCommandDeps) {
  if (session === null) return { text: "Nobody has said anything in this session yet." };
  const { groups, profile } = await tools.effective({ sessionKey }, { isOwner: sender.may("operator.admin") });
  const names = groups.flatMap((group) => group.tools);
  if (names.length === 0) return { text: "This session's agent has no tools." };
  const lines =
    args.toLowerCase() === "verbose"
      ? names.map(({ id, description }) => `- ${id}: ${description}`)
      : [names.map(({ id }) => id).join(", ")];
  return { text: [`Tools (profile ${profile}):`, ...lines].join("\n") };
}

async function tasks({ sessionKey }: CommandCall, { tasks }: RoomCommandDeps) {
  const { tasks: found } = await tasks.list({ sessionKey, limit: SHOWN });
  if (found.length === 0) return { text: "This session has no tasks." };
  return { text: ["Tasks", ...found.map(({ id, status, title }) => `- ${title ?? id}: ${status} (${id})`)].join("\n") };
}

async function subagents({ args, sessionKey }: CommandCall, { subagents }: RoomCommandDeps) {
  if (!/^(list)?$/i.test(args)) return { text: "Usage: /subagents list" };
  const found = await subagents.list(sessionKey);
  if (found.length === 0) return { text: "This session's agent has given nothing to others." };
  const lines = found.map(
    ({ label, task, status, runId }) => `- ${label ?? task.slice(0, 80)}: ${status ?? "at work"} (${runId})`,
  );
  return { text: ["Subagents", ...lines].join("\n") };
}

async function approve({ args, sender }: CommandCall, { approvalRecords }: RoomCommandDeps) {
  const [id = "", word = ""] = args.split(/\s+/);
  const decision = Object.hasOwn(DECISIONS, word.toLowerCase()) ? DECISIONS[word.toLowerCase()] : undefined;
  if (id === "" || decision === undefined) return { text: "Usage: /approve <id> <allow-once|allow-always|deny>" };
  const { approval } = await approvalRecords.get(id);
  const choices: readonly string[] = approval.presentation.allowedDecisions;
  if (!choices.includes(decision)) return { text: `This can only be decided with ${choices.join(", ")}.` };
  const caller = {
    connId: sender.connId ?? "",
    deviceId: sender.deviceId,
    scopes: new Set(["operator.approvals"]),
    client: sender.client,
  };
  const verdict = { id, kind: approval.presentation.kind, decision };
  const { applied, approval: after } = await approvalRecords.resolve(verdict, caller);
  return { text: applied ? `Decided: ${decision}.` : `This was decided before: ${after.status}.` };
}

async function tts({ args }: CommandCall, { speech }: RoomCommandDeps) {
  const [action = "", value = ""] = args.toLowerCase().split(/\s+/);
  switch (action) {
    case "on":
    case "off":
      await speech.setEnabled(action === "on");
      return { text: action === "on" ? "Answers are spoken from now on." : "Answers are no longer spoken." };
    case "provider": {
      const { provider } = await speech.setProvider(value);
      return { text: `Answers are spoken by ${provider}.` };
    }
    case "":
    case "status": {
      const { enabled, provider, providerStates } = await speech.status();
      const usable = providerStates.some(({ id, configured }) => id === provider && configured);
      return {
        text: `Speaking: ${enabled ? "on" : "off"}\nProvider: ${provider || "none"}${usable ? "" : " (not set up)"}`,
      };
    }
    default:
      return { text: "Usage: /tts [status | on | off | provider <id>]" };
  }
}

async function restart({ sender }: CommandCall, { restarts }: RoomCommandDeps) {
  const { status } = restarts.request({ reason: `/restart by ${sender.client.id}` });
  return {
    text: status === "scheduled" ? "Starting again." : "Starting again once nothing is at work.",
    notice: true as const,
  };
}
