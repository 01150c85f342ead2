import type { SessionsPatchParams } from "../../../generated/types.ts";
import { deleteGroup, listGroups, putGroups, renameGroup } from "../../sessions/groups.ts";
import { deleteSession, resetSession } from "../../sessions/lifecycle.ts";
import { patchSession } from "../../sessions/patch.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import type { SessionAccess } from "./access.ts";

interface SettingsDeps {
  sessions: Sessions;
  access: SessionAccess;
}

type Args = Record<string, unknown>;
type Patch = Omit<SessionsPatchParams, "key">;

const MOST_TARGETS = 100;
/** Settings of a patch by their names here; `group` is `category` in records. */
const SETTINGS: Readonly<Record<string, string>> = {
  label: "label",
  icon: "icon",
  color: "color",
  group: "category",
  statusNote: "statusNote",
  attention: "attention",
  ttlMinutes: "ttlMinutes",
  pinned: "pinned",
  archived: "archived",
  model: "model",
  thinkingLevel: "thinkingLevel",
};
/** What decides how a session's turns run and what they cost. */
const OWNERS_ONLY: readonly string[] = ["model", "thinkingLevel", "archived"];

const PARAMETERS = object(
  {
    action: {
      type: "string",
      enum: ["patch", "reset", "delete", "group_list", "group_set", "group_rename", "group_delete"],
    },
    sessionKey: { type: "string", description: "This session unless told." },
    targets: {
      type: "array",
      minItems: 1,
      maxItems: MOST_TARGETS,
      items: object({ sessionKey: { type: "string", minLength: 1 }, expectedSessionId: { type: "string" } }, [
        "sessionKey",
      ]),
      description: "patch: the same change to all of these.",
    },
    expectedSessionId: {
      type: "string",
      description: "From sessions_list; needed to archive or delete another session.",
    },
    deleteTranscript: { type: "boolean" },
    label: { type: "string", description: "Empty: none." },
    icon: { type: "string" },
    color: { type: "string" },
    group: { anyOf: [{ type: "string" }, { type: "null" }] },
    statusNote: { type: "string", maxLength: 120 },
    attention: { type: "string", enum: ["clear", "hand", "key", "alert", "flag", "lock", "hourglass"] },
    ttlMinutes: { type: "integer", minimum: 1, maximum: 120 },
    pinned: { type: "boolean" },
    archived: { type: "boolean" },
    model: { type: "string" },
    thinkingLevel: { type: "string" },
    names: { type: "array", items: { type: "string" }, description: "group_set: all groups, in order." },
    name: { type: "string", description: "group_rename, group_delete." },
    to: { type: "string", description: "group_rename." },
  },
  ["action"],
);

/** `sessions`: settings of sessions within reach and the groups that they are sorted into (docs: concepts/session-tool). */
export function sessionsTool(deps: SettingsDeps): Tool {
  return {
    name: "sessions",
    description:
      "Changes sessions that you may see: patch (label, icon, color, group, statusNote with attention, pinned, archived, model, thinkingLevel; targets for several), reset, delete, and the groups of the list of sessions (group_list, group_set, group_rename, group_delete).",
    parameters: PARAMETERS,
    run: (args, context) => asked(perform(deps, args, context)),
  };
}

function perform(deps: SettingsDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  switch (args.action) {
    case "patch":
      return args.targets === undefined ? patchOne(deps, args, context) : patchSome(deps, args, context);
    case "reset":
    case "delete":
      return end(deps, args, context);
    default:
      return group(deps.sessions, args, context);
  }
}

async function patchOne(deps: SettingsDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  const patch = patchOf(args, context);
  const key = await keyOf(deps, args.sessionKey, context);
  await change(deps, key, patch, args.expectedSessionId, context);
  return jsonResult({ status: "updated", sessionKey: key, updated: Object.keys(patch) });
}

async function patchSome(deps: SettingsDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  if (args.sessionKey !== undefined || args.expectedSessionId !== undefined) {
    throw new ToolError("targets cannot be combined with sessionKey or expectedSessionId");
  }
  const patch = patchOf(args, context);
  const succeeded: number[] = [];
  const errors: { index: number; error: string }[] = [];
  for (const [index, target] of (args.targets as { sessionKey: string; expectedSessionId?: string }[]).entries()) {
    try {
      const key = await keyOf(deps, target.sessionKey, context);
      await asked(change(deps, key, patch, target.expectedSessionId, context));
      succeeded.push(index);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      errors.push({ index, error: error.message });
    }
  }
  return jsonResult({ status: "updated", succeeded, failed: errors.map(({ index }) => index), errors });
}

async function change(
  { sessions }: SettingsDeps,
  key: string,
  patch: Patch,
  expected: unknown,
  { sessionKey }: ToolContext,
): Promise<void> {
  if (patch.archived !== undefined) {
    if (key === sessionKey) throw new ToolError("The session at work cannot be archived; ask for it when it is idle.");
    if (expected === undefined) throw new ToolError("expectedSessionId required to archive or restore another session");
  }
  await patchSession(sessions, { key, ...patch, ...seen(expected) });
}

/** Refuses a session that is another one than the agent has seen. */
const seen = (expected: unknown): { expectedSessionId?: string } =>
  expected === undefined ? {} : { expectedSessionId: String(expected) };

async function end(deps: SettingsDeps, args: Args, context: ToolContext): Promise<ToolResult> {
  const { action, expectedSessionId, deleteTranscript } = args;
  const verb = String(action);
  ownersOnly(context, `${verb} sessions`);
  if (args.sessionKey === undefined) throw new ToolError("sessionKey required");
  const key = await keyOf(deps, args.sessionKey, context);
  if (key === context.sessionKey) throw new ToolError(`Cannot ${verb} the session running this tool`);
  if (expectedSessionId === undefined && verb === "delete") {
    throw new ToolError("expectedSessionId required to delete another session");
  }
  if (verb === "reset") {
    const { entry } = await resetSession(deps.sessions, { key, ...seen(expectedSessionId) });
    return jsonResult({ status: "reset", sessionKey: key, sessionId: entry.sessionId });
  }
  const keeps = deleteTranscript === false ? { deleteTranscript: false } : {};
  const { deleted } = await deleteSession(deps.sessions, { key, ...keeps, ...seen(expectedSessionId) });
  return jsonResult({ status: deleted ? "deleted" : "missing", sessionKey: key });
}

async function group(sessions: Sessions, { action, names, name, to }: Args, context: ToolContext): Promise<ToolResult> {
  const text = (value: unknown, what: string): string => {
    if (typeof value !== "string" || value.trim() === "") throw new ToolError(`${what} required`);
    return value;
  };
  if (action === "group_list") return jsonResult({ ...(await listGroups(sessions)) });
  ownersOnly(context, "change groups");
  if (action === "group_set") {
    if (!Array.isArray(names)) throw new ToolError("names required");
    return jsonResult({ ...(await putGroups(sessions, { names: names.map(String) })) });
  }
  const known = text(name, "name");
  if (action === "group_delete") return jsonResult({ ...(await deleteGroup(sessions, { name: known })) });
  return jsonResult({ ...(await renameGroup(sessions, { name: known, to: text(to, "to") })) });
}

async function keyOf({ access }: SettingsDeps, named: unknown, context: ToolContext): Promise<string> {
  return named === undefined ? context.sessionKey : (await access.required(String(named), context)).key;
}

/** @throws ToolError when nothing is to be changed, or something that is not this turn's to change */
function patchOf(args: Args, context: ToolContext): Patch {
  const given = Object.keys(SETTINGS).filter((name) => args[name] !== undefined);
  if (given.length === 0) throw new ToolError("Patch setting required");
  if (given.some((name) => OWNERS_ONLY.includes(name))) ownersOnly(context, "change model, thinking or archive");
  const clears = (name: string, value: unknown): boolean =>
    value === "" || (name === "attention" && value === "clear") || value === null;
  const patch = Object.fromEntries(
    given.map((name) => [SETTINGS[name]!, clears(name, args[name]) ? null : args[name]]),
  );
  return (patch.attention === null ? { ...patch, statusNote: null } : patch) as Patch;
}

function ownersOnly({ isOwner }: ToolContext, what: string): void {
  if (!isOwner) throw new ToolError(`Only its owner may ${what}.`);
}
